package headers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Rules are what passes beside the headers that always do. Each entry of Request and Response is a name, or the
// beginning of names with a star behind it, such as X-Goog-*. Case does not matter.
type Rules struct {
	Request  []string `json:"request,omitempty"`
	Response []string `json:"response,omitempty"`
	// Privileged are names of request headers that no beginning covers, since with them a request
	// can do more than the person whose token it has, or something on another's account.
	Privileged []string `json:"privileged,omitempty"`
}

// With returns rules that let pass what r does, and what more does. What is privileged in one of them has to be
// listed by its name in one of them.
func (r Rules) With(more Rules) Rules {
	return Rules{
		Request:    slices.Concat(r.Request, more.Request),
		Response:   slices.Concat(r.Response, more.Response),
		Privileged: slices.Concat(r.Privileged, more.Privileged),
	}
}

// Validate returns all that is wrong with r, joined, and says what to do about it.
func (r Rules) Validate() error {
	var problems []error
	problems = append(problems, checkAll(r.Request, CheckRequest), checkAll(r.Response, CheckResponse))
	for _, name := range r.Privileged {
		if strings.HasSuffix(name, "*") || !httpguts.ValidHeaderFieldName(name) {
			problems = append(problems, fmt.Errorf("%.100q is no header name", name))
		}
	}
	return errors.Join(problems...)
}

func checkAll(entries []string, check func(string) error) error {
	var problems []error
	for _, entry := range entries {
		problems = append(problems, check(entry))
	}
	return errors.Join(problems...)
}

// CheckRequest returns why entry cannot be in the list of request headers, nil if it can.
func CheckRequest(entry string) error {
	name, prefix, err := parse(entry)
	switch {
	case err != nil:
		return err
	case prefix && guardedRequest(name+"X"):
		return fmt.Errorf("%s: no beginning of a name covers these headers; write out the ones that are meant", entry)
	case neverInRequest[name]:
		return fmt.Errorf("%s: a client's credentials are never passed on; take it away, since the token goes to the API anyway", entry)
	case ofConnection[name]:
		return fmt.Errorf("%s: it belongs to one connection and is seen to by the server; leave it out", entry)
	}
	return nil
}

// CheckResponse returns why entry cannot be in the list of response headers, nil if it can.
func CheckResponse(entry string) error {
	name, prefix, err := parse(entry)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(name, "Access-Control-"):
		return fmt.Errorf("%s: CORS is answered here and not by the API; use allow origin and cors", entry)
	case prefix && guardedResponse(name+"X"):
		return fmt.Errorf("%s: no beginning of a name covers these headers; write out the ones that are meant", entry)
	case neverInResponse[name]:
		return fmt.Errorf("%s: it is set here and not by the API; leave it out", entry)
	case ofConnection[name]:
		return fmt.Errorf("%s: it belongs to one connection and is seen to by the server; leave it out", entry)
	}
	return nil
}

// parse returns the canonical form of a name, or of the beginning of names.
func parse(entry string) (name string, prefix bool, err error) {
	name, prefix = strings.CutSuffix(entry, "*")
	switch {
	case name == "" && prefix:
		return "", false, errors.New("*: all headers cannot be listed at once; write names, or beginnings of names such as X-Acme-*")
	case !httpguts.ValidHeaderFieldName(name) || strings.Contains(name, "*"):
		return "", false, fmt.Errorf("%.100q is no header name; write a name such as X-Acme-Version, or a beginning of names such as X-Acme-*", entry)
	case prefix && (!strings.HasSuffix(name, "-") || !plain(name)):
		return "", false, fmt.Errorf("%.100q: a beginning of names has letters, digits and hyphens, and ends with -*, such as X-Acme-*", entry)
	}
	return http.CanonicalHeaderKey(name), prefix, nil
}

// plain reports whether a name has letters, digits and hyphens only. Many servers take an underscore or a dot for a hyphen, so that
// other names could stand for ones that must not pass.
func plain(name string) bool {
	for _, c := range []byte(name) {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
