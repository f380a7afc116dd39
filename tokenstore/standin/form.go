package standin

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Button is a button that submits a form. The zero value stands for the first
// button of a form.
type Button struct{ Name, Value string }

// Form is an HTML form as a person finds it.
type Form struct {
	Method  string   // GET or POST
	Action  *url.URL // absolute
	Fields  url.Values
	Buttons []Button // in the order of the page
}

// FirstForm reads the first form of an HTML page that was found at base. It is
// tolerant as browsers are, and knows of forms only what plain pages need:
// input, button, textarea and select, no files, no scripts, no base element. It
// returns ErrNoForm if there is none.
func FirstForm(page io.Reader, base *url.URL) (Form, error) {
	text, err := io.ReadAll(page)
	if err != nil {
		return Form{}, fmt.Errorf("read page: %w", err)
	}
	r := formReader{scanner: scanner{rest: string(text)}}
	attrs, ok := r.open()
	if !ok {
		return Form{}, ErrNoForm
	}
	action, err := base.Parse(attrs["action"])
	if err != nil {
		return Form{}, fmt.Errorf("read action of form: %w", err)
	}
	r.form = Form{Method: http.MethodGet, Action: action, Fields: make(url.Values)}
	if strings.EqualFold(attrs["method"], http.MethodPost) {
		r.form.Method = http.MethodPost
	}
	r.fields()
	return r.form, nil
}

// Values returns what is sent if press is pressed: the zero Button means the
// first one, or none if the form has none. It returns ErrNoButton if the form has
// no such button.
func (f Form) Values(press Button) (url.Values, error) {
	values := url.Values(http.Header(f.Fields).Clone())
	if press == (Button{}) && len(f.Buttons) > 0 {
		press = f.Buttons[0]
	}
	if press == (Button{}) {
		return values, nil
	}
	for _, b := range f.Buttons {
		if b != press {
			continue
		}
		if b.Name != "" {
			values.Add(b.Name, b.Value)
		}
		return values, nil
	}
	return nil, fmt.Errorf("press %s=%s: %w", press.Name, press.Value, ErrNoButton)
}

// formReader reads the fields of the form that it stands in.
type formReader struct {
	scanner
	form Form
}

// open goes to behind the first form tag.
func (r *formReader) open() (attributes, bool) {
	for {
		t, ok := r.next()
		if !ok {
			return nil, false
		}
		if t.name == "form" {
			return t.attrs, true
		}
	}
}

// fields reads up to the end of the form.
func (r *formReader) fields() {
	for {
		t, ok := r.next()
		if !ok || t.name == "/form" {
			return
		}
		_, disabled := t.attrs["disabled"]
		switch t.name {
		case "input":
			r.input(t.attrs, disabled)
		case "button":
			if kind := strings.ToLower(t.attrs["type"]); !disabled && kind != "button" && kind != "reset" {
				r.form.Buttons = append(r.form.Buttons, Button{t.attrs["name"], t.attrs["value"]})
			}
		case "textarea":
			r.add(t.attrs["name"], unescape(strings.TrimPrefix(r.text("textarea"), "\n")), disabled)
		case "select":
			r.choice(t.attrs["name"], disabled)
		}
	}
}

func (r *formReader) input(attrs attributes, disabled bool) {
	value, hasValue := attrs["value"]
	_, checked := attrs["checked"]
	switch strings.ToLower(attrs["type"]) {
	case "submit", "image":
		if !disabled {
			r.form.Buttons = append(r.form.Buttons, Button{attrs["name"], value})
		}
	case "button", "reset", "file":
	case "checkbox", "radio":
		if !hasValue {
			value = "on"
		}
		r.add(attrs["name"], value, disabled || !checked)
	default:
		r.add(attrs["name"], value, disabled)
	}
}

func (r *formReader) add(name, value string, leaveOut bool) {
	if name != "" && !leaveOut {
		r.form.Fields.Add(name, value)
	}
}

// choice reads a select: what is selected, or else the first option.
func (r *formReader) choice(name string, disabled bool) {
	chosen, found, selected := "", false, false
	for {
		t, ok := r.next()
		if !ok || t.name == "/select" {
			break
		}
		if t.name != "option" {
			continue
		}
		value, hasValue := t.attrs["value"]
		if !hasValue {
			value = unescape(strings.TrimSpace(r.upToTag()))
		}
		_, marked := t.attrs["selected"]
		if !found || marked && !selected {
			chosen, found, selected = value, true, selected || marked
		}
	}
	r.add(name, chosen, disabled || !found)
}
