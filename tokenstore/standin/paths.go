package standin

import (
	"slices"
	"strings"
)

// maxName bounds one component of a path.
const maxName = 255

// checkRef refuses what names no file or folder: it must be a path from the
// root, or an id or rev.
func checkRef(ref string) *apiError {
	if strings.HasPrefix(ref, "id:") || strings.HasPrefix(ref, "rev:") {
		return nil
	}
	return checkPath(ref)
}

// checkPath refuses what is no absolute path. The root is written "" and is not
// taken here.
func checkPath(p string) *apiError {
	if !strings.HasPrefix(p, "/") || p == "/" {
		return badInput("The path must begin with a slash and name something.")
	}
	return nil
}

// wellFormed reports whether every component of p can be the name of a file.
func wellFormed(p string) bool {
	return !slices.ContainsFunc(strings.Split(p, "/")[1:], func(name string) bool {
		return name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsRune(name, 0)
	})
}
