package powercut

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Notes is the file for notes. It has no content, and does not fail.
const Notes = "notes"

// Options are the settings of a [Disk].
type Options struct {
	// Before, if not nil, is called before each change takes place, one at a time. If it
	// does not return 0, the change does not take place and fails with that.
	// It is also asked, with a Kind of Note, before a file is opened for writing, since a disk that has become
	// read-only refuses that. It must not use the disk.
	Before func(Event) syscall.Errno
	// OnNote, if not nil, is told each note. It must not use the disk.
	OnNote func(text string)
	// Record keeps the log.
	Record bool
}

// Disk is a file system at Dir until it is closed.
type Disk struct {
	Dir string

	options Options
	server  *fuse.Server

	mu    sync.Mutex
	log   Log // guarded by mu
	files int // guarded by mu; how many there ever were
}

// Mount makes an empty disk at the directory dir. That needs Linux with FUSE, and either root or the program
// fusermount3.
func Mount(dir string, o Options) (*Disk, error) {
	d := &Disk{Dir: dir, options: o}
	root := &folder{disk: d}
	server, err := fs.Mount(dir, root, &fs.Options{
		MountOptions: fuse.MountOptions{
			DirectMount:   true, // without the program fusermount3, where that may be
			FsName:        "powercut",
			Name:          "powercut",
			DisableXAttrs: true,
			MaxWrite:      1 << 20, // as few writes as the process makes
		},
		RootStableAttr: &fs.StableAttr{Ino: 1},
		OnAdd: func(ctx context) {
			root.AddChild(Notes, root.NewPersistentInode(ctx, &notes{disk: d}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: 2}), true)
		},
	})
	if err != nil {
		return nil, err
	}
	d.server = server
	return d, nil
}

// NotesPath returns where to write notes.
func (d *Disk) NotesPath() string { return filepath.Join(d.Dir, Notes) }

// patience is how long Close waits for processes that have just ended.
const patience = 10 * time.Second

// Close takes the file system away. No process may have a file of it open for long.
func (d *Disk) Close() (err error) {
	for began := time.Now(); time.Since(began) < patience; <-time.After(20 * time.Millisecond) {
		if err = d.server.Unmount(); err == nil {
			return nil
		}
	}
	return err
}

// Log returns what happened up to now.
func (d *Disk) Log() Log {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append(Log(nil), d.log...)
}

// change makes a change, unless Before refuses it.
func (d *Disk) change(e Event, do func()) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.options.Before != nil {
		if errno := d.options.Before(e); errno != 0 {
			return errno
		}
	}
	if do != nil {
		do()
	}
	d.record(e)
	return 0
}

// writable tells whether a file may be opened with these flags.
func (d *Disk) writable(flags uint32) syscall.Errno {
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY || d.options.Before == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.options.Before(Event{Kind: Note})
}

func (d *Disk) note(text string) {
	d.mu.Lock()
	d.record(Event{Kind: Note, To: text})
	d.mu.Unlock()
	if d.options.OnNote != nil {
		d.options.OnNote(text)
	}
}

// record keeps e, of which the kernel will use the bytes again. d.mu is held.
func (d *Disk) record(e Event) {
	if d.options.Record {
		e.Data = append([]byte(nil), e.Data...)
		d.log = append(d.log, e)
	}
}

// number returns the number of a new file.
func (d *Disk) number() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files++
	return d.files
}

// owner is who the files belong to.
func owner() fuse.Owner { return fuse.Owner{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())} }
