package bolt

import "bytes"

// SalvageBytes is Salvage of the bytes of a file, for tests with thousands of them.
func SalvageBytes(file []byte, buckets ...string) *Salvaged {
	s := newSalvage(bytes.NewReader(file), int64(len(file)), buckets)
	s.run()
	return s.result()
}
