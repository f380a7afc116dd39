//go:build !unix

package custody

// ownedAs does nothing where files belong to nobody by a number.
func (d *draft) ownedAs(string) error { return nil }
