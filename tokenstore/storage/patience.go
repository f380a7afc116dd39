package storage

import "context"

type patienceKey struct{}

// Patiently returns a context for writes that nobody waits for. A backend may keep such a write for some milliseconds, to make it
// durable together with those that come meanwhile, which costs the machine less.
func Patiently(ctx context.Context) context.Context {
	return context.WithValue(ctx, patienceKey{}, true)
}

// Patient reports whether ctx is one of [Patiently].
func Patient(ctx context.Context) bool {
	patient, _ := ctx.Value(patienceKey{}).(bool)
	return patient
}
