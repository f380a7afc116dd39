package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

const canary = "canary-0b5e"

func TestNoWayOfPrintingShowsTheSecret(t *testing.T) {
	s := secret.New(canary)
	nested := struct {
		S  secret.String
		P  *secret.String
		In []secret.String
	}{s, &s, []secret.String{s}}

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T"} {
		printed["plain "+verb] = fmt.Sprintf(verb, s)
		printed["nested "+verb] = fmt.Sprintf(verb, nested)
	}
	js, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(js)
	asKey, err := json.Marshal(map[string]any{"in": s})
	if err != nil {
		t.Fatal(err)
	}
	printed["json in a map"] = string(asKey)
	var buf bytes.Buffer
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "s", s, "n", nested)
	slog.New(slog.NewTextHandler(&buf, nil)).Info("m", "s", s, "n", nested)
	printed["slog"] = buf.String()
	printed["error"] = fmt.Errorf("with %v", s).Error()

	for how, text := range printed {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	if got := fmt.Sprint(s); got != secret.Redacted {
		t.Errorf("fmt.Sprint = %q, want %q", got, secret.Redacted)
	}
}

func TestRevealAndEqual(t *testing.T) {
	s := secret.New(canary)
	if s.Reveal() != canary {
		t.Error("Reveal does not give the value back")
	}
	if !s.Equal(secret.New(canary)) || s.Equal(secret.New("other")) || s.Equal(secret.String{}) {
		t.Error("Equal is wrong")
	}
	if s.IsZero() || !secret.New("").IsZero() || (secret.String{}).Reveal() != "" {
		t.Error("the absent secret is not recognised")
	}
}
