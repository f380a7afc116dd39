package standin

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// commitInfo says how a file is to be written.
type commitInfo struct {
	Path           string      `json:"path"`
	Mode           optionalTag `json:"mode"`
	Autorename     bool        `json:"autorename"`
	ClientModified string      `json:"client_modified"`
	StrictConflict bool        `json:"strict_conflict"`
}

// check refuses what does not fit the arguments of a call.
func (c commitInfo) check() *apiError {
	if fail := checkPath(c.Path); fail != nil {
		return fail
	}
	switch c.Mode.Tag {
	case "", "add", "overwrite", "update":
	default:
		return badInput("The mode must be add, overwrite or update.")
	}
	if c.ClientModified != "" {
		if _, err := time.Parse(timeFormat, c.ClientModified); err != nil {
			return badInput("client_modified must look like 2006-01-02T15:04:05Z.")
		}
	}
	return nil
}

// write stores data, whose bytes are reserved already, and returns the node or
// the tags of the conflict.
func (d *disk) write(accountID string, c commitInfo, data []byte, now time.Time) (*node, []string) {
	hash := ContentHash(data)
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.of(accountID)
	if len(t.nodes) >= maxNodes {
		return nil, []string{"insufficient_space"}
	}
	if !wellFormed(c.Path) {
		return nil, []string{"malformed_path"}
	}
	display, old, same, conflict := t.place(c, hash)
	if conflict != "" {
		return nil, []string{"conflict", conflict}
	}
	if same {
		d.bytes -= int64(len(data))
		return old, nil
	}
	if !t.mkdirs(display) {
		return nil, []string{"conflict", "file_ancestor"}
	}
	n := node{display: display, data: data, hash: hash, clientModified: now, serverModified: now}
	if old != nil {
		n.id = old.id
		d.bytes -= int64(len(old.data))
	}
	if c.ClientModified != "" {
		// It parsed when it was checked.
		n.clientModified, _ = time.Parse(timeFormat, c.ClientModified)
	}
	return t.put(strings.ToLower(display), n), nil
}

// place finds where c writes to: the path, the file there that is replaced, and
// whether nothing needs to be written since the same content is there already.
func (t *tree) place(c commitInfo, hash string) (display string, old *node, same bool, conflict string) {
	old, exists := t.live(strings.ToLower(c.Path))
	if !exists {
		return c.Path, nil, false, ""
	}
	conflict = "file"
	switch {
	case old.folder:
		conflict = "folder"
	case c.Mode.Tag == "overwrite", c.Mode.Tag == "update" && c.Mode.Update == old.rev:
		return old.display, old, false, ""
	case !c.StrictConflict && old.hash == hash:
		return old.display, old, true, ""
	}
	if c.Autorename {
		return t.free(c.Path), nil, false, ""
	}
	return "", nil, false, conflict
}

// free returns the first of "name (1).ext", "name (2).ext", … that is not taken.
func (t *tree) free(display string) string {
	ext := path.Ext(display)
	stem := strings.TrimSuffix(display, ext)
	for i := 1; ; i++ {
		candidate := fmt.Sprintf("%s (%d)%s", stem, i, ext)
		if _, taken := t.live(strings.ToLower(candidate)); !taken {
			return candidate
		}
	}
}
