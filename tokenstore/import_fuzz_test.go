package tokenstore

import (
	"errors"
	"testing"
	"time"
)

// An import that is taken comes out of the record as it went in, and one that is refused is refused for what it is.
func FuzzAnImportThatIsTakenSurvivesTheRecord(f *testing.F) {
	f.Add("a", "r", "Bearer", int64(1_800_000_000), "scope", "account")
	f.Add("", "r", "", int64(0), "", "")
	f.Add("a", "", "bot", int64(-1), "a b", "\x00")
	f.Add("a\nb", "r r", "\xff", int64(1)<<40, "\xff\xfe", "<&>")
	f.Add("", "", "", int64(7), "", "")
	p, err := NewProvider(ProviderConfig{Name: "p", ClientID: "c", AuthorizeURL: "https://a.example/a", TokenURL: "https://a.example/t"})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := &Store{now: func() time.Time { return now }}
	f.Fuzz(func(t *testing.T, access, refresh, kind string, expires int64, scope, account string) {
		in := Import{AccessToken: access, RefreshToken: refresh, TokenType: kind, ExpiresAt: time.Unix(expires, 0), Scopes: []string{scope}, Account: account}
		if err := in.validate(); err != nil {
			if !errors.Is(err, ErrInvalidImport) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		st := s.imported(s.newConnection(ID{Provider: "p", Name: "n"}, p), p, in)
		encoded, err := st.encode()
		if err != nil {
			return // nothing is stored then, and the caller is told
		}
		back, err := decodeRecord(encoded)
		if err != nil {
			t.Fatalf("it cannot be read again: %v", err)
		}
		if back.AccessToken.Reveal() != access || back.RefreshToken.Reveal() != refresh || back.Generation != 1 || back.state() != StateReady {
			t.Errorf("it came back as %+v", back)
		}
		if !back.ExpiresAt.Equal(st.ExpiresAt) {
			t.Errorf("it expires at %s, and not at %s", back.ExpiresAt, st.ExpiresAt)
		}
		if access == "" && st.due.IsZero() {
			t.Error("nothing would ever get its first token")
		}
	})
}
