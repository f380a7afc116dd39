// Package placeholder replaces Caddy's placeholders, such as {env.NAME} and {file./path}, in settings
// that are known when a configuration is loaded, and says what is missing if one has no value.
package placeholder

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Visibility says whether a value may be told in a message.
type Visibility bool

// What Replace may tell of a value.
const (
	Shown  Visibility = true
	Hidden Visibility = false // it is a secret, and no part of it gets into a message
)

// In reports whether Caddy would look for a placeholder in s. That is no promise that it is one.
func In(s string) bool {
	_, behind, found := strings.Cut(s, "{")
	return found && strings.Contains(behind, "}")
}

// Replace returns s with its placeholders replaced. problem is not empty if one
// is unknown or has an empty value, which for a setting that matters is the same as none.
// It names the variable or file to look at, and nothing of a hidden value.
func Replace(r *caddy.Replacer, s string, v Visibility) (value, problem string) {
	value, err := r.ReplaceFunc(s, func(key string, val any) (any, error) {
		if caddy.ToString(val) != "" {
			return val, nil
		}
		return nil, errors.New(missing(key, v))
	})
	if err != nil {
		return "", err.Error()
	}
	return value, ""
}

// missing says what a placeholder without a value lacks.
func missing(key string, v Visibility) string {
	if name, ok := strings.CutPrefix(key, "env."); ok {
		return fmt.Sprintf("the environment variable %s is not set, or is empty; set it where Caddy runs", name)
	}
	if path, ok := strings.CutPrefix(key, "file."); ok {
		return fmt.Sprintf("the file %s is empty, or cannot be read by the user who runs Caddy", path)
	}
	// The braces may be part of a secret that is written out.
	if v == Hidden {
		return `it has a placeholder that has no value here; use {env.NAME} or {file./path}, or write \{ for a brace that is part of the value`
	}
	return fmt.Sprintf(`the placeholder {%s} has no value here; use {env.NAME} or {file./path}`, key)
}

// ReplaceAll returns settings, which are no secrets, with their placeholders replaced. The error
// names each setting that has a placeholder without a value, and the remedy.
func ReplaceAll(settings []string) ([]string, error) {
	var problems []error
	known := make([]string, len(settings))
	for i, s := range settings {
		value, problem := Replace(caddy.NewReplacer(), s, Shown)
		if problem != "" {
			problems = append(problems, fmt.Errorf("%s: %s", s, problem))
		}
		known[i] = value
	}
	return known, errors.Join(problems...)
}
