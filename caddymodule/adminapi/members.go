package adminapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var (
	errNotObject = errors.New("it is not a JSON object")
	errDuplicate = errors.New("it has a member twice")
	errTrailing  = errors.New("something follows the JSON object")
)

// members splits a JSON object. Unlike encoding/json, which takes the last of several
// members of a name and ignores the case of names, it leaves no doubt which value is meant.
// Its errors hold nothing of body.
func members(body []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errNotObject
	}
	found := make(map[string]json.RawMessage)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errNotObject
		}
		name, ok := key.(string)
		if !ok {
			return nil, errNotObject
		}
		if _, twice := found[name]; twice {
			return nil, errDuplicate
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errNotObject
		}
		found[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return found, nil
}
