package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// pick returns a member of a JSON document as text; path goes down to it with dots, as
// entries.0.name does. ok is false if there is none.
func pick(body []byte, path string) (text string, ok bool) {
	var at any
	if json.Unmarshal(body, &at) != nil {
		return "", false
	}
	for name := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at, ok = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if ok = err == nil && i >= 0 && i < len(in); ok {
				at = in[i]
			}
		default:
			ok = false
		}
		if !ok {
			return "", false
		}
	}
	return fmt.Sprint(at), true
}
