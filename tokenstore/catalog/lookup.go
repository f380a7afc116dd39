package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

//go:embed presets/*.json
var files embed.FS

// Lookup returns the preset with this id. It is decoded anew each time, which
// is cheap enough for configuration, so it belongs to the caller, who may
// change it. Lookup is safe for concurrent use.
func Lookup(id string) (Preset, bool) {
	if !validID.MatchString(id) {
		return Preset{}, false
	}
	raw, err := files.ReadFile("presets/" + id + ".json")
	if err != nil {
		return Preset{}, false
	}
	// The files are part of this program, and a test decodes them all.
	p, err := Decode(raw)
	return p, err == nil
}

// IDs returns the ids of all presets, sorted, in a slice of the caller's own.
// It is safe for concurrent use.
func IDs() []string {
	entries, _ := files.ReadDir("presets") // embedded: it cannot be missing
	ids := make([]string, len(entries))
	for i, entry := range entries {
		ids[i] = strings.TrimSuffix(entry.Name(), ".json")
	}
	return ids
}

// Decode reads one preset. It refuses unknown members, anything after the
// preset, and what [Preset.Validate] refuses.
func Decode(raw []byte) (Preset, error) {
	var p Preset
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Preset{}, fmt.Errorf("catalog: decode preset: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Preset{}, fmt.Errorf("catalog: decode preset %q: something follows it", p.ID)
	}
	if err := p.Validate(); err != nil {
		return Preset{}, err
	}
	return p, nil
}
