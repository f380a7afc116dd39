package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// rawKey has bytes that need both of the letters in which the alphabets of
// base64 differ.
var rawKey = []byte("\xfb\xff\xfe canary key material 1234567\xff")

func TestNoWayOfPrintingShowsTheKey(t *testing.T) {
	key, err := seal.GenerateKey(bytes.NewReader(rawKey))
	if err != nil {
		t.Fatal(err)
	}
	nested := struct {
		K      seal.Key
		P      *seal.Key
		In     []seal.Key
		hidden seal.Key
	}{key, &key, []seal.Key{key}, key}

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T"} {
		printed["plain "+verb] = fmt.Sprintf(verb, key)
		printed["nested "+verb] = fmt.Sprintf(verb, nested)
	}
	js, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(js)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "k", key, "n", nested)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", key, "n", nested)
	printed["slog"] = log.String()

	// the last one is %d of the bytes
	secrets := []string{"canary", hex.EncodeToString([]byte("canary")), key.Reveal()[:12], "99 97 110 97 114 121"}
	for how, text := range printed {
		for _, s := range secrets {
			if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
				t.Errorf("%s shows the key: %s", how, text)
			}
		}
	}
	if got := fmt.Sprint(key); got != "REDACTED" {
		t.Errorf("fmt.Sprint = %q", got)
	}
}

func TestParseKeyAcceptsEveryUsualNotation(t *testing.T) {
	want, err := seal.GenerateKey(bytes.NewReader(rawKey))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"standard base64":                      base64.StdEncoding.EncodeToString(rawKey),
		"standard base64 without padding":      base64.RawStdEncoding.EncodeToString(rawKey),
		"URL base64":                           base64.URLEncoding.EncodeToString(rawKey),
		"URL base64 without padding":           base64.RawURLEncoding.EncodeToString(rawKey),
		"lower-case hex digits":                hex.EncodeToString(rawKey),
		"upper-case hex digits":                strings.ToUpper(hex.EncodeToString(rawKey)),
		"white space around it":                " \t" + base64.StdEncoding.EncodeToString(rawKey) + "\r\n",
		"what Reveal returns":                  want.Reveal(),
		"hex digits with a line break at last": hex.EncodeToString(rawKey) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := seal.ParseKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(want) || got.Fingerprint() != want.Fingerprint() {
				t.Error("it is another key")
			}
		})
	}
}

func TestParseKeySaysWhatIsWrongWithoutShowingIt(t *testing.T) {
	std := base64.StdEncoding.EncodeToString
	tests := []struct{ name, text, want string }{
		{"an empty text", "", "empty"},
		{"white space only", " \n", "empty"},
		{"16 bytes in base64", std(rawKey[:16]), "too short: as base64 it has 16 bytes"},
		{"31 bytes in base64", std(rawKey[:31]), "has 31 bytes"},
		{"33 bytes in base64", std(append([]byte("x"), rawKey...)), "too long: as base64 it has 33 bytes"},
		{"16 bytes in hex digits", hex.EncodeToString(rawKey[:16]), "too short: as hex digits it has 16 bytes"},
		{"64 bytes in hex digits", strings.Repeat(hex.EncodeToString(rawKey), 2), "too long: as hex digits it has 64 bytes"},
		{"a passphrase of several words", "correct horse battery staple", "perhaps a passphrase"},
		{"a passphrase of 32 letters", "correcthorsebatterystaplecorrect", "a passphrase is no key"},
		{"a passphrase with signs", "Tr0ub4dor&3!", "perhaps a passphrase"},
		{"a key broken over two lines", std(rawKey)[:20] + "\n" + std(rawKey)[20:], "neither base64"},
		{"two keys", std(rawKey) + "\n" + std(rawKey), "neither base64"},
		{"a key whose last letter was mistyped", std(rawKey)[:42] + "9=", "mistyped"},
		{"mixed alphabets", strings.Replace(base64.URLEncoding.EncodeToString(rawKey), "_", "/", 1), "neither base64"},
		{"an age secret key", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ", "an age key"},
		{"an age recipient", "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "an age key"},
		{"a PEM block", "-----BEGIN PRIVATE KEY-----\nMC4CAQA\n-----END PRIVATE KEY-----", "a PEM block"},
		{"an SSH key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@host", "an SSH key"},
		{"a JWK", `{"kty":"oct","k":"canary"}`, "JSON"},
		{"the path of a file", "/etc/key", "write {file./path}"},
		{"a placeholder that was not replaced", "{env.TOKEN_STORE_KEY}", "placeholder"},
		{"raw bytes", string(rawKey), "raw bytes"},
		{"raw bytes that are text by chance", "\x01\x02" + strings.Repeat("a", 30), "raw bytes"},
		{"an example of zeroes only", strings.Repeat("0", 64), "all its bytes are the same"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := seal.ParseKey(tt.text)
			if !errors.Is(err, seal.ErrInvalidKey) || !key.IsZero() {
				t.Fatalf("ParseKey = %v, %v; want ErrInvalidKey", key, err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "openssl rand -base64 32") {
				t.Errorf("error %q does not say %q and the remedy", err, tt.want)
			}
			if text := strings.TrimSpace(tt.text); text != "" && strings.Contains(err.Error(), text[:min(8, len(text))]) {
				t.Errorf("error %q shows the text", err)
			}
		})
	}
}

func TestEqualAndFingerprint(t *testing.T) {
	a, b := testKey(t, 1), testKey(t, 2)
	if !a.Equal(testKey(t, 1)) || a.Equal(b) || a.Equal(seal.Key{}) {
		t.Error("Equal is wrong")
	}
	if a.Fingerprint() == b.Fingerprint() || len(a.Fingerprint()) != 16 {
		t.Errorf("fingerprints %s and %s", a.Fingerprint(), b.Fingerprint())
	}
	if got := (seal.Key{}).Fingerprint(); got != "none" {
		t.Errorf("the absent key has the fingerprint %q", got)
	}
	if _, err := seal.GenerateKey(iotest.ErrReader(errCrash)); !errors.Is(err, errCrash) {
		t.Errorf("GenerateKey without randomness = %v", err)
	}
	if _, err := seal.GenerateKey(bytes.NewReader(rawKey[:31])); err == nil {
		t.Error("GenerateKey made a key of 31 random bytes")
	}
}

func FuzzParseKeyNeverShowsTheTextAndReadsBackWhatItAccepts(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString(rawKey))
	f.Add(base64.RawURLEncoding.EncodeToString(rawKey))
	f.Add(hex.EncodeToString(rawKey))
	f.Add("correct horse battery staple")
	f.Add("{env.KEY}")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := seal.ParseKey(text)
		if err != nil {
			if trimmed := strings.TrimSpace(text); len(trimmed) > 24 && strings.Contains(err.Error(), trimmed) {
				t.Errorf("error %q shows the text", err)
			}
			return
		}
		again, err := seal.ParseKey(key.Reveal())
		if err != nil || !again.Equal(key) {
			t.Errorf("the key does not survive Reveal: %v", err)
		}
	})
}
