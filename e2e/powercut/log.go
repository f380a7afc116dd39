package powercut

import "fmt"

// Kind says what a change does.
type Kind int

// The kinds of changes, and the note.
const (
	Write   Kind = iota // bytes of a file
	Resize              // a file is cut off or grown
	Sync                // a file is made durable
	Name                // a file gets a name, in place of what had it
	Unname              // a name goes
	Rename              // a file changes its name
	SyncDir             // the names are made durable
	Note                // no change: what the process told
)

// String returns a word for k.
func (k Kind) String() string {
	names := [...]string{"write", "resize", "sync", "name", "unname", "rename", "sync of the directory", "note"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k]
}

// Event is a change of the disk, or a note. What it does not need is zero.
type Event struct {
	Kind Kind
	File int // the number of the file, which outlives its names

	Offset int64 // of Data
	Data   []byte
	Size   int64 // after a Resize

	From string // the old name of a Rename
	To   string // a name, or the text of a Note
}

// Log is what happened to a disk that was empty at first.
type Log []Event
