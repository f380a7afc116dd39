package bolt_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// childHold opens the database, says how that went, and keeps it open until its
// standard input ends.
func childHold(path string) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fmt.Println("error:", err)
		if !errors.Is(err, storage.ErrLocked) {
			os.Exit(1)
		}
		return
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// holder is a process of childHold.
type holder struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  string // its first line
}

func startHolder(t *testing.T, path string) *holder {
	t.Helper()
	cmd := child(t, "hold", path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("child said nothing: %v", err)
	}
	return &holder{cmd, stdin, said}
}

func TestFileThatIsOpenInAnotherProcess(t *testing.T) {
	path := newPath(t)
	first := startHolder(t, path)
	if first.said != "open\n" {
		t.Fatalf("child said %q", first.said)
	}

	start := time.Now()
	_, err := bolt.Open(path, bolt.Options{})
	if !errors.Is(err, storage.ErrLocked) {
		t.Errorf("got error %v, want ErrLocked", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v, want at most 2s", took)
	}
	for _, part := range []string{path, "caddy reload", "stop"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}

	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // killed
	s := mustOpen(t, path)
	put(t, s, storage.Record{Key: storage.Key{Bucket: "b", ID: "after the other was killed"}})
}

func TestFileThatIsOpenInTheSameProcess(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path)
	if _, err := bolt.Open(path, bolt.Options{LockTimeout: time.Millisecond}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("got error %v, want ErrLocked", err)
	}
	put(t, first, storage.Record{Key: storage.Key{Bucket: "b", ID: "first is unharmed"}})
}

func TestProcessesThatCreateAtOnceShareOneFile(t *testing.T) {
	path := newPath(t)
	const crowd = 4
	holders := make(chan *holder, crowd)
	for range crowd {
		go func() { holders <- startHolder(t, path) }()
	}
	opened := 0
	for range crowd {
		h := <-holders
		switch {
		case h.said == "open\n":
			opened++
		case !strings.Contains(h.said, storage.ErrLocked.Error()):
			t.Errorf("child said %q", h.said)
		}
		defer func() {
			_ = h.stdin.Close()
			if err := h.cmd.Wait(); err != nil {
				t.Errorf("child: %v", err)
			}
		}()
	}
	if opened != 1 {
		t.Errorf("%d processes have the file open, want 1", opened)
	}
	wantNoTemporaryFiles(t, path)
}

// childWrite puts records from four goroutines and prints the id of each when it
// is acknowledged, until it is killed.
func childWrite(path, prefix string) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", prefix, g, i)
				r := storage.Record{
					Key:   storage.Key{Bucket: "b", ID: id},
					Value: []byte(strings.Repeat(id, 20)),
					Due:   time.Unix(int64(i), 0),
				}
				if _, err := s.Put(bg, r); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(id + "\n") // one write a line: whole lines only
			}
		}()
	}
	select {}
}

func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	path := newPath(t)
	var acknowledged []string
	for round := range 20 {
		cmd := child(t, "write", path, fmt.Sprint(round))
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
			if n == 3*round { // then what it wrote until the signal came
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		wantRecords(t, path, acknowledged)
	}
	if len(acknowledged) < 20*20 {
		t.Errorf("only %d records were acknowledged", len(acknowledged))
	}
}

func wantRecords(t *testing.T, path string, ids []string) {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		r, err := s.Get(t.Context(), storage.Key{Bucket: "b", ID: id})
		if err != nil {
			t.Errorf("acknowledged record: %v", err)
		} else if string(r.Value) != strings.Repeat(id, 20) {
			t.Errorf("acknowledged record %s has another value", id)
		}
	}
	due, err := s.Due(t.Context(), "b", time.Now(), storage.Due{}, 1e6)
	if err != nil || len(due) < len(ids) {
		t.Errorf("due index has %d entries and error %v, want %d or more", len(due), err, len(ids))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
