package seal

import (
	"encoding/hex"
	"testing"
)

// The bytes were put together by hand from the package's documentation. If this
// test fails, no record of an earlier version can be opened any more.
func TestAssociatedDataIsAsDocumented(t *testing.T) {
	got := Binding{Bucket: "connections", ID: "dropbox/é", Generation: 258}.associatedData()
	const want = "00000017" + "63616464792d746f6b656e73746f72652f7265636f7264" + // caddy-tokenstore/record
		"00000001" + "01" +
		"0000000b" + "636f6e6e656374696f6e73" + // connections
		"0000000a" + "64726f70626f782fc3a9" + // dropbox/é
		"00000008" + "0000000000000102"
	if hex.EncodeToString(got) != want {
		t.Errorf("associated data\n%x\nwant\n%s", got, want)
	}
}

func TestAssociatedDataTellsBindingsApart(t *testing.T) {
	bindings := []Binding{
		{"a", "b:c", 1}, {"a:b", "c", 1}, {"ab", "c", 1}, {"a", "bc", 1}, {"a", "b\x00c", 1},
		{"a", "bc", 2}, {"bc", "a", 1}, {"", "abc", 1}, {"abc", "", 1}, {"a", "bc\x00\x00\x00\x08", 1},
	}
	seen := map[string]Binding{}
	for _, b := range bindings {
		ad := string(b.associatedData())
		if other, ok := seen[ad]; ok {
			t.Errorf("%v and %v have the same associated data", b, other)
		}
		seen[ad] = b
	}
}

func TestKeyDerivationIsFixed(t *testing.T) {
	key, err := ParseKey("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	if key.Fingerprint() != hex.EncodeToString(key.derive("check")[:8]) {
		t.Error("the fingerprint is not the beginning of the key check")
	}
	if hex.EncodeToString(key.derive("wrap")) == hex.EncodeToString(key.derive("check")) {
		t.Error("purposes share a key")
	}
	// Computed with: printf %s LABEL | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY
	const wrap, check = "5e3ebe74b608a6829abc16bc9d96a4c4c4e74238807bcb7e0b4e8b34b0a15cf4", "10f41efa5f5fbb14babff55256cd062f"
	if got := hex.EncodeToString(key.derive("wrap")); got != wrap {
		t.Errorf("wrapping key = %s, want %s", got, wrap)
	}
	if got := hex.EncodeToString(key.check()); got != check {
		t.Errorf("key check = %s, want %s", got, check)
	}
}
