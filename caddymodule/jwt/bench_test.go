package jwt

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			s := newTestIssuer(b)
			s.key = newKey(b, "first", alg)
			s.publish(s.key.public())
			v := s.verifier(b, s.rule(), nil)
			raw := s.good(b)
			for b.Loop() {
				clear(v.verified.callers)
				if _, ok, err := v.Verify(b.Context(), raw); !ok || err != nil {
					b.Fatalf("%t, %v", ok, err)
				}
			}
		})
	}
}

func BenchmarkVerifyAgain(b *testing.B) {
	s := newTestIssuer(b)
	v := s.verifier(b, s.rule(), nil)
	raw := s.good(b)
	for b.Loop() {
		if _, ok, err := v.Verify(b.Context(), raw); !ok || err != nil {
			b.Fatalf("%t, %v", ok, err)
		}
	}
}
