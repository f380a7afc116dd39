package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func TestFailuresUseTheirOwnWords(t *testing.T) {
	const secret = "sl.u-the-token"
	for name, tc := range map[string]struct {
		cause   error
		words   string
		timeout bool
	}{
		"a malformed answer":   {textproto.ProtocolError("malformed MIME header line: " + secret), "no valid answer came", false},
		"anything else":        {errors.New(secret), "no valid answer came", false},
		"a refused connection": {reverseproxy.NewDialError(errors.New("connection refused")), "connection refused", false},
		"a client who left":    {fmt.Errorf("%s: %w", secret, context.Canceled), "canceled", false},
		"a slow answer":        {fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), "timeout", true},
		"half an answer":       {fmt.Errorf("%s: %w", secret, io.ErrUnexpectedEOF), "the connection ended before the answer did", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFailure(tc.cause)
			if want := "the exchange with the API failed: " + tc.words; f.Error() != want {
				t.Errorf("it says %q, not %q", f, want)
			}
			if !errors.Is(f, tc.cause) || f.Timeout() != tc.timeout {
				t.Errorf("cause kept: %t; timeout: %t", errors.Is(f, tc.cause), f.Timeout())
			}
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				if text := fmt.Sprintf(format, f); strings.Contains(text, secret) {
					t.Errorf("%s prints %s", format, text)
				}
			}
		})
	}
}

func TestAnswerBodyKeepsWhatCaddyLooksFor(t *testing.T) {
	for _, err := range []error{io.EOF, context.Canceled} {
		r, w := io.Pipe()
		_ = w.CloseWithError(err)
		if _, got := (&answerBody{r}).Read(make([]byte, 1)); got != err { //nolint:errorlint // so does Caddy
			t.Errorf("%v became %v", err, got)
		}
	}
}
