package powercut

import (
	stdcontext "context"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

type context = stdcontext.Context

// folder is the directory of a disk.
type folder struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeGetattrer = (*folder)(nil)
	_ fs.NodeCreater   = (*folder)(nil)
	_ fs.NodeLinker    = (*folder)(nil)
	_ fs.NodeUnlinker  = (*folder)(nil)
	_ fs.NodeRenamer   = (*folder)(nil)
	_ fs.NodeFsyncer   = (*folder)(nil)
)

// Getattr implements [fs.NodeGetattrer].
func (f *folder) Getattr(_ context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Owner, out.Nlink = syscall.S_IFDIR|0o700, owner(), 2
	return 0
}

// Create implements [fs.NodeCreater].
func (f *folder) Create(ctx context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	n := &file{disk: f.disk, number: f.disk.number(), mode: mode & 0o777}
	if errno := f.disk.change(Event{Kind: Name, File: n.number, To: name}, nil); errno != 0 {
		return nil, nil, 0, errno
	}
	n.fill(&out.Attr)
	child := f.NewInode(ctx, n, fs.StableAttr{Mode: syscall.S_IFREG, Ino: uint64(n.number) + 2})
	return child, nil, 0, 0
}

// Link implements [fs.NodeLinker].
func (f *folder) Link(_ context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n, ok := target.(*file)
	if !ok {
		return nil, syscall.EPERM
	}
	if errno := f.disk.change(Event{Kind: Name, File: n.number, To: name}, nil); errno != 0 {
		return nil, errno
	}
	n.fill(&out.Attr)
	return n.EmbeddedInode(), 0
}

// Unlink implements [fs.NodeUnlinker].
func (f *folder) Unlink(_ context, name string) syscall.Errno {
	return f.disk.change(Event{Kind: Unname, To: name}, nil)
}

// Rename implements [fs.NodeRenamer].
func (f *folder) Rename(_ context, name string, _ fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	n, ok := f.GetChild(name).Operations().(*file)
	if !ok {
		return syscall.EPERM
	}
	return f.disk.change(Event{Kind: Rename, File: n.number, From: name, To: newName}, nil)
}

// Fsync implements [fs.NodeFsyncer].
func (f *folder) Fsync(context, fs.FileHandle, uint32) syscall.Errno {
	return f.disk.change(Event{Kind: SyncDir}, nil)
}

// file is a file of a disk, as the process sees it. What it holds is guarded by the disk's mu.
type file struct {
	fs.Inode
	disk   *Disk
	number int
	mode   uint32
	data   []byte
}

var (
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeSetattrer = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
	_ fs.NodeFlusher   = (*file)(nil)
)

// Open implements [fs.NodeOpener].
func (n *file) Open(_ context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, n.disk.writable(flags)
}

// Read implements [fs.NodeReader].
func (n *file) Read(_ context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	read := 0
	if off < int64(len(n.data)) {
		read = copy(dest, n.data[off:])
	}
	return fuse.ReadResultData(dest[:read]), 0
}

// Write implements [fs.NodeWriter].
func (n *file) Write(_ context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	e := Event{Kind: Write, File: n.number, Offset: off, Data: data}
	errno := n.disk.change(e, func() { n.data = e.apply(n.data) })
	if errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

// Getattr implements [fs.NodeGetattrer].
func (n *file) Getattr(_ context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(&out.Attr)
	return 0
}

// Setattr implements [fs.NodeSetattrer].
func (n *file) Setattr(_ context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		e := Event{Kind: Resize, File: n.number, Size: int64(size)}
		if errno := n.disk.change(e, func() { n.data = e.apply(n.data) }); errno != 0 {
			return errno
		}
	}
	if mode, ok := in.GetMode(); ok {
		n.disk.mu.Lock()
		n.mode = mode & 0o777
		n.disk.mu.Unlock()
	}
	n.fill(&out.Attr)
	return 0
}

// Fsync implements [fs.NodeFsyncer].
func (n *file) Fsync(context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.change(Event{Kind: Sync, File: n.number}, nil)
}

// Flush implements [fs.NodeFlusher]. Closing a file makes nothing durable.
func (n *file) Flush(context, fs.FileHandle) syscall.Errno { return 0 }

func (n *file) fill(out *fuse.Attr) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	out.Mode, out.Owner, out.Nlink = syscall.S_IFREG|n.mode, owner(), 1
	out.Size = uint64(len(n.data))
	out.Blocks = (out.Size + sector - 1) / sector
}

// notes is the file for notes.
type notes struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeOpener    = (*notes)(nil)
	_ fs.NodeWriter    = (*notes)(nil)
	_ fs.NodeGetattrer = (*notes)(nil)
)

// Open implements [fs.NodeOpener].
func (n *notes) Open(context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

// Write implements [fs.NodeWriter].
func (n *notes) Write(_ context, _ fs.FileHandle, data []byte, _ int64) (uint32, syscall.Errno) {
	n.disk.note(strings.TrimSuffix(string(data), "\n"))
	return uint32(len(data)), 0
}

// Getattr implements [fs.NodeGetattrer].
func (n *notes) Getattr(_ context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Owner, out.Nlink = syscall.S_IFREG|0o600, owner(), 1
	return 0
}
