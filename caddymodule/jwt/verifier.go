package jwt

import (
	"context"
	"crypto/sha256"
	"time"

	"go.uber.org/zap"
)

// Verifier recognises callers by tokens of one issuer. It is safe for concurrent use. It has nothing to close: a question to the
// issuer that is under way ends within ten seconds.
type Verifier struct {
	rules rules
	keys  *source
	now   func() time.Time
	log   *zap.Logger
	// verified spares callers who send a token again and again.
	verified verified
}

func newVerifier(r rules, o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	log := o.Log.With(zap.String("issuer", r.issuer))
	return &Verifier{
		rules: r, now: o.Now, log: log,
		keys: &source{fetch: newFetcher(r.issuer, r.private, o.Client).keys, now: o.Now, log: log},
	}
}

// Verify returns the name of the caller who has sent raw, which is what stands behind Bearer. It is not empty, printable, of 255
// bytes at most, and unique among the tokens of this issuer.
//
// ok is false if raw is no valid token of the issuer for one of the audiences. The error says that nobody knows: it
// wraps ErrUnreachable if the keys of the issuer cannot be had, after five seconds at most, and is that of ctx if this ends first.
func (v *Verifier) Verify(ctx context.Context, raw string) (name string, ok bool, err error) {
	if len(raw) > maxToken {
		return v.refuse(refusedSize)
	}
	digest, now := sha256.Sum256([]byte(raw)), v.now()
	if name, ok = v.verified.find(digest, now); ok {
		return name, true, nil
	}
	t, why := parse(raw)
	if why != "" {
		return v.refuse(why)
	}
	if name, why = v.rules.check(t.claims, now); why != "" {
		return v.refuse(why)
	}
	switch ok, err = v.signed(ctx, t); {
	case err != nil:
		return "", false, err
	case !ok:
		return v.refuse(refusedSignature)
	}
	v.verified.add(digest, name, now, t.claims.Expiry.Time())
	return name, true, nil
}

func (v *Verifier) refuse(why refusal) (name string, ok bool, err error) {
	v.log.Debug("token of a caller refused", zap.String("reason", string(why)))
	return "", false, nil
}

// signed reports whether the issuer has signed t. It asks for newer keys if none of those
// known did: the issuer may have a new key, or another one under the same name.
func (v *Verifier) signed(ctx context.Context, t *token) (bool, error) {
	set, err := v.keys.trusted(ctx)
	if err != nil {
		return false, err
	}
	if set.signed(t) {
		return true, nil
	}
	newer, err := v.keys.newer(ctx, set)
	switch {
	case err == nil:
		return newer != set && newer.signed(t), nil
	case t.keyID != "" && len(set.of(t)) > 0:
		return false, nil // the key is known, and it is not the one that was used
	}
	return false, err
}
