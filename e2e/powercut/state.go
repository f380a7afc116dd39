package powercut

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// sector is how many bytes a disk writes at once, or not at all.
const sector = 512

// State is a disk at one point of its log. The zero value is one that is empty.
type State struct {
	// IgnoreSyncs makes it a disk, or a program, for which a sync does nothing: the
	// control, with which promises must break.
	IgnoreSyncs bool

	names   map[string]int // what is durable
	renamed []Event        // changes of names that are not durable
	files   map[int]*content
}

// content is that of a file.
type content struct {
	durable []byte
	pending []Event // writes and resizes that are not durable
}

// Apply goes on by one event.
func (s *State) Apply(e Event) {
	if s.files == nil {
		s.files, s.names = make(map[int]*content), make(map[string]int)
	}
	f := s.files[e.File]
	if f == nil {
		f = new(content)
		s.files[e.File] = f
	}
	switch e.Kind {
	case Write, Resize:
		f.pending = append(f.pending, e)
	case Name, Unname, Rename:
		s.renamed = append(s.renamed, e)
	case Sync:
		if !s.IgnoreSyncs {
			for _, p := range f.pending {
				f.durable = p.apply(f.durable)
			}
			f.pending = nil
		}
	case SyncDir:
		if !s.IgnoreSyncs {
			for _, p := range s.renamed {
				p.rename(s.names)
			}
			s.renamed = nil
		}
	case Note:
	}
}

// Image is what is on a disk after the power came back: the files by their names.
type Image map[string][]byte

// Cut returns one of the images that a power cut at this point can leave.
func (s *State) Cut(random *rand.Rand) Image {
	// From "nothing else survives" to "all does", both of which must be possible.
	survives := []float64{0, 0.1, 0.5, 0.9, 1}[random.IntN(5)]
	lucky := func() bool { return random.Float64() < survives }

	names := maps.Clone(s.names)
	for _, e := range s.renamed {
		if lucky() {
			e.rename(names)
		}
	}
	image := make(Image)
	for name, number := range names {
		f := s.files[number]
		b := append([]byte(nil), f.durable...)
		for _, e := range f.pending {
			for _, piece := range e.tear() {
				if lucky() {
					b = piece.apply(b)
				}
			}
		}
		image[name] = b
	}
	return image
}

// Save writes the files into a directory, readable by their owner.
func (i Image) Save(dir string) error {
	for name, b := range i {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// rename changes names as e does. The removal of a name that did not survive is none.
func (e Event) rename(names map[string]int) {
	switch e.Kind {
	case Unname:
		delete(names, e.To)
	case Rename:
		delete(names, e.From)
		names[e.To] = e.File
	default:
		names[e.To] = e.File
	}
}

// apply returns b as e changes it.
func (e Event) apply(b []byte) []byte {
	if e.Kind == Resize {
		return resize(b, e.Size)
	}
	if end := e.Offset + int64(len(e.Data)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[e.Offset:], e.Data)
	return b
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size] // so that what grows again is zeros
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// tear returns the parts of e that survive or not, each for itself.
func (e Event) tear() (pieces []Event) {
	if e.Kind != Write {
		return []Event{e}
	}
	for rest := e; len(rest.Data) > 0; {
		n := min(int64(len(rest.Data)), sector-rest.Offset%sector)
		piece := rest
		piece.Data = rest.Data[:n]
		pieces = append(pieces, piece)
		rest.Offset, rest.Data = rest.Offset+n, rest.Data[n:]
	}
	return pieces
}
