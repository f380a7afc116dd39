package standin

import (
	"crypto/rand"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxNodes bounds the files, folders and tombstones of one account.
const maxNodes = 1 << 17

// timeFormat is how Dropbox writes times: in UTC, to the second.
const timeFormat = "2006-01-02T15:04:05Z"

// node is a file, a folder, or what is left of one. It is replaced as a whole
// and never changed, so that it can be read without a lock once it was found.
type node struct {
	id             string
	display        string // the path as it was written
	folder         bool
	deleted        bool
	change         uint64 // number of the change of the tree that made the node
	rev            string
	data           []byte
	hash           string
	clientModified time.Time
	serverModified time.Time
}

// tree holds the files of one account by lower-case path. The root is "" and is
// no node.
type tree struct {
	nodes  map[string]*node
	change uint64
}

// disk holds the trees of all accounts and counts what they weigh.
type disk struct {
	max int64

	mu    sync.Mutex
	trees map[string]*tree
	bytes int64 // of files and upload sessions
}

func newDisk(limit int64) *disk { return &disk{max: limit, trees: make(map[string]*tree)} }

// of returns the tree of an account. The caller holds d.mu.
func (d *disk) of(accountID string) *tree {
	t, ok := d.trees[accountID]
	if !ok {
		t = &tree{nodes: make(map[string]*node)}
		d.trees[accountID] = t
	}
	return t
}

// reserve takes n bytes if there is room.
func (d *disk) reserve(n int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bytes+n > d.max {
		return false
	}
	d.bytes += n
	return true
}

func (d *disk) release(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes -= n
}

// put stores n below key and numbers the change.
func (t *tree) put(key string, n node) *node {
	t.change++
	n.change = t.change
	if n.id == "" {
		n.id = "id:" + rand.Text()
	}
	if !n.folder && !n.deleted {
		n.rev = fmt.Sprintf("%016x", t.change)
	}
	t.nodes[key] = &n
	return &n
}

// live returns what is at key, unless it was deleted.
func (t *tree) live(key string) (*node, bool) {
	n, ok := t.nodes[key]
	if !ok || n.deleted {
		return nil, false
	}
	return n, true
}

// find returns the live node that ref names: a path, an "id:…" or a "rev:…".
func (t *tree) find(ref string) (string, *node, bool) {
	if strings.HasPrefix(ref, "/") {
		key := strings.ToLower(ref)
		n, ok := t.live(key)
		return key, n, ok
	}
	for key, n := range t.nodes {
		if !n.deleted && (n.id == ref || !n.folder && "rev:"+n.rev == ref) {
			return key, n, true
		}
	}
	return "", nil, false
}

// below returns the sorted keys of nodes below key: all of them, or only the
// direct children.
func (t *tree) below(key string, recursive bool) []string {
	inside := func(k string) bool {
		return strings.HasPrefix(k, key+"/") && (recursive || parent(k) == key)
	}
	var keys []string
	for k := range maps.Keys(t.nodes) {
		if inside(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// mkdirs makes the folders above display. It is not ok if one of them is a file.
func (t *tree) mkdirs(display string) bool {
	dir := parent(display)
	if dir == "" {
		return true
	}
	if n, ok := t.live(strings.ToLower(dir)); ok {
		return n.folder
	}
	if !t.mkdirs(dir) {
		return false
	}
	t.put(strings.ToLower(dir), node{display: dir, folder: true})
	return true
}

// parent returns the path above p; that of the root's children is "".
func parent(p string) string { return p[:strings.LastIndex(p, "/")] }

// metadata is n as the API shows it.
func (n *node) metadata() union {
	u := union{
		"name":         path.Base(n.display),
		"path_lower":   strings.ToLower(n.display),
		"path_display": n.display,
	}
	switch {
	case n.deleted:
		u[".tag"] = "deleted"
	case n.folder:
		u[".tag"] = "folder"
		u["id"] = n.id
	default:
		u[".tag"] = "file"
		u["id"] = n.id
		u["client_modified"] = n.clientModified.UTC().Format(timeFormat)
		u["server_modified"] = n.serverModified.UTC().Format(timeFormat)
		u["rev"] = n.rev
		u["size"] = len(n.data)
		u["is_downloadable"] = true
		u["content_hash"] = n.hash
	}
	return u
}
