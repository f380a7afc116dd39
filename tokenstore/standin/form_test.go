package standin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func base(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse("http://site.test/dir/page?q=1")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReadingForms(t *testing.T) {
	tests := []struct {
		name, page string
		want       string // method, action and what is sent by the first button
	}{
		{"a plain one", `<form method="post" action="/go"><input name="a" value="1"></form>`, "POST http://site.test/go a=1"},
		{"one without action goes to its page", `<form><input name=a value=1></form>`, "GET http://site.test/dir/page?q=1 a=1"},
		{"a relative action", `<form action="x">`, "GET http://site.test/dir/x "},
		{"an action elsewhere", `<form action="https://other.test/x?y=1&amp;z=2">`, "GET https://other.test/x?y=1&z=2 "},
		{"upper case and odd spacing", "<FORM\n METHOD = POST\tACTION='/go' ><INPUT TYPE = HIDDEN NAME = a VALUE = 'b' /></FORM>", "POST http://site.test/go a=b"},
		{"entities in values", `<form><input name="a&amp;b" value="&lt;&quot;&#39;&eacute;"></form>`, "GET http://site.test/dir/page?q=1 a%26b=%3C%22%27%C3%A9"},
		{"a > in a value", `<form><input value="a>b" name='c'></form>`, "GET http://site.test/dir/page?q=1 c=a%3Eb"},
		{"fields without name or disabled stay away", `<form><input value=1><input name=a disabled value=1><input name=b></form>`, "GET http://site.test/dir/page?q=1 b="},
		{"only what is checked", `<form><input type=radio name=r value=1><input type=radio name=r value=2 checked><input type=checkbox name=c checked><input type=checkbox name=d></form>`, "GET http://site.test/dir/page?q=1 c=on&r=2"},
		{"the first button", `<form><button type=button name=x value=0>no</button><button name=x value=1>a</button><input type=submit name=x value=2></form>`, "GET http://site.test/dir/page?q=1 x=1"},
		{"an input that submits", `<form><input type=reset name=x value=1><input type=submit name=x value=2></form>`, "GET http://site.test/dir/page?q=1 x=2"},
		{"a text area", "<form><textarea name=t>\n<input name=no> &amp; more</textarea></form>", "GET http://site.test/dir/page?q=1 t=%3Cinput+name%3Dno%3E+%26+more"},
		{"a selection", `<form><select name=s><option value=1>one<option value=2 selected>two</select><select name=t><option>a &amp; b</option><option>c</select></form>`, "GET http://site.test/dir/page?q=1 s=2&t=a+%26+b"},
		{"comments, scripts and styles are no markup", `<!-- <form action=/c> --><script>"<form action=/s>"</script><style><form action=/st></style><form action=/real>`, "GET http://site.test/real "},
		{"the first of two forms", `<form action=/1><input name=a value=1></form><form action=/2><input name=b></form>`, "GET http://site.test/1 a=1"},
		{"a form that never ends", `<form action=/1><input name=a value="x`, "GET http://site.test/1 a=x"},
		{"a repeated attribute counts once", `<form action=/1 action=/2>`, "GET http://site.test/1 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := standin.FirstForm(strings.NewReader(tt.page), base(t))
			if err != nil {
				t.Fatal(err)
			}
			values, err := f.Values(standin.Button{})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %s %s", f.Method, f.Action, values.Encode())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPagesWithoutFormsAndFormsWithoutTheButton(t *testing.T) {
	for _, page := range []string{"", "<", "<!--<form>", "<p>form</p>", "< form>", "</form>"} {
		if _, err := standin.FirstForm(strings.NewReader(page), base(t)); !errors.Is(err, standin.ErrNoForm) {
			t.Errorf("%q: error %v", page, err)
		}
	}
	f, err := standin.FirstForm(strings.NewReader(`<form><button name=a value=b>`), base(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Values(standin.Button{Name: "a", Value: "c"}); !errors.Is(err, standin.ErrNoButton) {
		t.Errorf("error %v", err)
	}
	if _, err := standin.FirstForm(strings.NewReader(`<form action=":%">`), base(t)); err == nil {
		t.Error("an action that is no URL was taken")
	}
}

func TestSubmittingKeepsCookiesAndAnswersByTheMethodOfTheForm(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		mux := http.NewServeMux()
		mux.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "7", Path: "/"})
			http.Redirect(w, r, "/page", http.StatusSeeOther)
		})
		mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<form method=%s action="/end?old=1"><input type=hidden name=h value=1><button name=b value=2>`, method)
		})
		mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
			cookie, err := r.Cookie("session")
			if err != nil {
				http.Error(w, "no cookie", http.StatusForbidden)
				return
			}
			fmt.Fprintf(w, "%s %s %s%s", r.Method, cookie.Value, r.FormValue("h"), r.FormValue("b"))
		})
		server := httptest.NewServer(mux)
		resp, err := standin.Approve(t.Context(), server.Client(), server.URL+"/start")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := body(t, resp), method+" 7 12"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if server.Client().Jar != nil {
			t.Error("the caller's client was changed")
		}
		server.Close()
	}
}

func TestApproveTellsWhereThereIsNoForm(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := standin.Approve(t.Context(), server.Client(), server.URL); !errors.Is(err, standin.ErrNoForm) || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
}

// FuzzFirstFormTakesAnyPage looks for pages on which the reader panics or does
// not end.
func FuzzFirstFormTakesAnyPage(f *testing.F) {
	for _, page := range []string{
		"", "<", "</", "<form", "<form =", "<form a=", `<form a="`, "<form><select><option>", "<form><textarea>x</textare",
		"<form><input name=a value=b></form>", "<script><form></SCRIPT x>", "<!--", "<form a/=b / >", "<title></title><form>",
	} {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page string) {
		form, err := standin.FirstForm(strings.NewReader(page), base(t))
		if err != nil {
			return
		}
		if form.Method != http.MethodGet && form.Method != http.MethodPost || form.Action == nil {
			t.Errorf("form %+v", form)
		}
		if _, err := form.Values(standin.Button{}); err != nil {
			t.Errorf("the first button is not there: %v", err)
		}
	})
}
