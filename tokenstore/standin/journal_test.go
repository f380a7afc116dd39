package standin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestTheJournalTellsWhatCame(t *testing.T) {
	c := newClock()
	s := start(t, standin.Options{Now: c.Now, Rotation: standin.RotateAlways})
	first := issue(t, s)
	second := issue(t, s)
	next, code := refresh(t, s, second.RefreshToken)
	if code != "" {
		t.Fatal(code)
	}
	refresh(t, s, next.RefreshToken)
	refresh(t, s, "standin-rt-unknown")
	send(t, s, first.AccessToken, "files/upload", `{"path":"/f"}`, "x")

	type line struct {
		seq                int
		part, path, grant  string
		client             string
		family, generation int
		status             int
	}
	want := []line{
		{1, standin.PartOAuth, "/oauth2/token", "refresh_token", "demo", 2, 1, 200},
		{2, standin.PartOAuth, "/oauth2/token", "refresh_token", "demo", 2, 2, 200},
		{3, standin.PartOAuth, "/oauth2/token", "refresh_token", "demo", 0, 0, 400},
		{4, standin.PartContent, "/2/files/upload", "", "", 1, 0, 200},
	}
	var got []line
	for _, e := range s.Journal() {
		got = append(got, line{e.Seq, e.Part, e.Path, e.GrantType, e.ClientID, e.Family, e.Generation, e.Status})
		if !e.Time.Equal(c.now) || e.Method != http.MethodPost || !e.Acted || e.Faulted {
			t.Errorf("entry %v", e)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if s.Refreshes() != 3 || s.Requests("/oauth2/token") != 3 || s.Requests("") != 4 || s.Requests("/x") != 0 {
		t.Error("counts are wrong")
	}
	if e := s.Journal()[3]; e.Header.Get("Authorization") != "Bearer "+first.AccessToken || e.Header.Get("Dropbox-API-Arg") == "" {
		t.Error("headers are missing")
	}
	s.ResetJournal()
	if s.Refreshes() != 0 || s.Requests("") != 0 || s.Requests("/oauth2/token") != 0 || len(s.Journal()) != 0 {
		t.Error("the journal was not reset")
	}
}

func TestTheJournalForgetsTheOldestButCountsAll(t *testing.T) {
	s := start(t, standin.Options{JournalSize: 2})
	g := issue(t, s)
	for range 5 {
		refresh(t, s, g.RefreshToken)
	}
	if j := s.Journal(); len(j) != 2 || j[0].Seq != 4 || j[1].Seq != 5 {
		t.Errorf("journal %v", j)
	}
	if s.Refreshes() != 5 {
		t.Errorf("%d refreshes", s.Refreshes())
	}
}

func TestAPrintedEntryHoldsNoToken(t *testing.T) {
	s := start(t, standin.Options{})
	g := issue(t, s)
	resp := call(t, s, s.APIURL()+"/2/users/get_current_account?q="+g.AccessToken, g.AccessToken, nil, "")
	body(t, resp)
	text := fmt.Sprintf("%v %+v %s", s.Journal()[0], s.Journal(), s.Journal()[0])
	if strings.Contains(text, g.AccessToken) || !strings.Contains(text, "/2/users/get_current_account: 200") {
		t.Errorf("entry %s", text)
	}
}

func TestFamiliesInTheOrderOfConsent(t *testing.T) {
	s := start(t, standin.Options{})
	for range 20 {
		issue(t, s, "a")
	}
	s.RevokeFamily(7)
	for i, f := range s.Families() {
		if f.ID != i+1 || f.ClientID != "demo" || f.Generation != 1 || f.Revoked != (f.ID == 7) || !slices.Equal(f.Scopes, []string{"a"}) {
			t.Errorf("family %+v", f)
		}
	}
	if s.RevokeFamily(21) {
		t.Error("family 21 was revoked")
	}
	if _, ok := s.Family(21); ok {
		t.Error("family 21 is there")
	}
	if status, generation := s.RefreshStatus("x"); status != standin.RefreshUnknown || generation != 0 {
		t.Errorf("status %v, generation %d", status, generation)
	}
}
