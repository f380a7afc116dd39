package custody_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
)

// useAll lets other processes use each file of a directory. A file that ends one is told, and another process goes on.
func useAll(t *testing.T, dir string) (all []use, deaths []string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	for {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childDamaged+"="+dir)
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		must(t, cmd.Start())
		lines, under := bufio.NewScanner(stdout), ""
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), "{") {
				under = lines.Text()
				continue
			}
			var u use
			must(t, json.Unmarshal(lines.Bytes(), &u))
			all = append(all, u)
			must(t, os.Remove(filepath.Join(dir, u.File)))
		}
		if cmd.Wait() == nil {
			return all, deaths
		}
		if under == "" {
			t.Fatalf("the process uses nothing: %s", stderr.String())
		}
		deaths = append(deaths, under+": "+strings.SplitN(stderr.String(), "\n", 2)[0])
		must(t, os.Remove(filepath.Join(dir, under)))
	}
}

// TestADamagedDatabaseGivesNoWrongToken damages a database in many ways, and lets a store use it. The tokens that
// it gives are of the connection that was asked for; what it cannot give is an error; and recover saves the rest. It waits for the disk
// most of the time: -parallel 9 makes it quicker.
func TestADamagedDatabaseGivesNoWrongToken(t *testing.T) {
	const batch = 100 // files at a time
	each := soaktest.Times(112, 2223)
	key := newKey(t, 1)
	l := newLife(t, key)
	known, err := json.Marshal(l.history)
	must(t, err)
	for k, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			var all []use
			for from := 0; from < each; from += batch {
				dir := t.TempDir()
				must(t, os.WriteFile(filepath.Join(dir, "history.json"), known, 0o600))
				for n := from; n < min(from+batch, each); n++ {
					damaged := m.do(rand.New(rand.NewPCG(uint64(n), uint64(k))), bytes.Clone(l.whole), l)
					must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.db", n)), damaged, 0o600))
				}
				used, deaths := useAll(t, dir)
				for _, death := range deaths {
					t.Errorf("the process died: %s", death)
				}
				all = slices.Concat(all, used)
			}
			judge(t, m.name, all, len(l.Now))
		})
	}
}

func judge(t *testing.T, name string, all []use, grants int) {
	t.Helper()
	var sum use
	opened, told, nothing := 0, 0, 0
	for _, u := range all {
		for _, w := range u.Wrong {
			t.Errorf("%s: %s", u.File, w)
		}
		if u.Nothing && name != cutOff {
			t.Errorf("%s: nothing was recovered", u.File)
		}
		if u.Untold && name != stalePage {
			t.Errorf("%s: a token was not recovered, or is older, and that is not told", u.File)
		}
		if name == oneRecord && (u.Served != grants-1 || u.Damaged != 1 || u.Recovered != grants-1) {
			t.Errorf("%s: of %d, %d were served, %d are damaged, and %d were recovered", u.File, grants, u.Served, u.Damaged, u.Recovered)
		}
		opened, told, nothing = opened+one(u.Opened), told+one(u.Told), nothing+one(u.Nothing)
		sum.Served, sum.Older, sum.Damaged, sum.Missing = sum.Served+u.Served, sum.Older+u.Older, sum.Damaged+u.Damaged, sum.Missing+u.Missing
		sum.Recovered, sum.Troubles = sum.Recovered+u.Recovered, sum.Troubles+u.Troubles
	}
	t.Logf("%s: %d files of %d grants, %d of which opened: %d tokens served, %d of an earlier state, %d refused as damaged, %d as not there, none wrong, %d troubles told; "+
		"recover saved %d, said of %d files that something is missing, and found nothing in %d",
		name, len(all), grants, opened, sum.Served, sum.Older, sum.Damaged, sum.Missing, sum.Troubles, sum.Recovered, told, nothing)
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
