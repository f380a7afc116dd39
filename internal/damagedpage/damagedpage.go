// Package damagedpage damages single pages of a database, for tests.
package damagedpage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.etcd.io/bbolt"
)

// The format of bbolt's pages: a head, and then the elements of a leaf, each of which says how far away from itself its key is, and how
// long that and the value are.
const (
	flagsAt    = 8  // in the head
	countAt    = 10 // as well
	elementLen = 16 // and of the head too

	leafFlag = 0x02
)

// Kind tells leaves from each other by what they have.
type Kind struct {
	// Prefix is what every key of the leaf begins with, behind Skip bytes.
	Prefix string
	Skip   int
	// Values: each key has a value, as records have. Otherwise none has, as in the due index.
	Values bool
}

// Records are leaves of the records of a bucket, whose ids begin with prefix.
func Records(prefix string) Kind { return Kind{Prefix: prefix, Values: true} }

// Due are leaves of the due index, of records whose ids begin with prefix.
func Due(prefix string) Kind { return Kind{Prefix: prefix, Skip: 12} }

// Clear overwrites with zeros the leaf in the middle of those of a kind that are in use in the database at path, which nobody may have open.
// It returns the ids that were in it. It returns an error if there are fewer than three such leaves, so that
// there is always something before the damage and behind it.
func Clear(path string, kind Kind) (ids []string, err error) {
	return damage(path, kind, func(leaves [][]string) ([]int, error) {
		if len(leaves) < 3 {
			return nil, fmt.Errorf("%s has %d leaves of %+v, too few to damage one between others", path, len(leaves), kind)
		}
		return []int{middle(leaves)}, nil
	}, zero)
}

// Mark flips the bit of one element in the middle of those of a kind that says that it is a bucket of bbolt, and returns the id
// in it. It can be read after that, and bbolt neither changes nor deletes it. Otherwise it is like Clear, but one leaf is enough.
func Mark(path string, kind Kind) (id string, err error) {
	ids, err := damage(path, kind, func(leaves [][]string) ([]int, error) {
		if len(leaves) == 0 {
			return nil, fmt.Errorf("%s has no leaf of %+v", path, kind)
		}
		return []int{middle(leaves)}, nil
	}, func(page []byte, keys []string) []string {
		i := len(keys) / 2
		flags := page[elementLen*(i+1):]
		binary.NativeEndian.PutUint32(flags, binary.NativeEndian.Uint32(flags)^1)
		return keys[i : i+1]
	})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// ClearAll is Clear of all leaves of a kind. It returns an error if there is none.
func ClearAll(path string, kind Kind) (ids []string, err error) {
	return damage(path, kind, func(leaves [][]string) (all []int, err error) {
		if len(leaves) == 0 {
			return nil, fmt.Errorf("%s has no leaf of %+v", path, kind)
		}
		for i := range leaves {
			all = append(all, i)
		}
		return all, nil
	}, zero)
}

// zero is what Clear does to a page. It returns the keys that are gone.
func zero(page []byte, keys []string) []string {
	clear(page)
	return keys
}

// damage does something to chosen leaves, and returns the ids of the keys that it concerns.
func damage(path string, kind Kind, choose func(leaves [][]string) ([]int, error), do func(page []byte, keys []string) []string) (ids []string, err error) {
	inUse, each, err := leaves(path)
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found [][]string
	var pages [][]byte
	for _, id := range inUse {
		page := file[id*each:][:each]
		if keys := kind.keys(page); len(keys) > 0 {
			found, pages = append(found, keys), append(pages, page)
		}
	}
	chosen, err := choose(found)
	if err != nil {
		return nil, err
	}
	for _, i := range chosen {
		for _, key := range do(pages[i], found[i]) {
			ids = append(ids, key[kind.Skip:])
		}
	}
	return ids, os.WriteFile(path, file, 0o600) //nolint:gosec // the path is that of a test
}

// leaves returns the pages that are leaves in use, and how large a page is.
func leaves(path string) (ids []int, each int, err error) {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(func(tx *bbolt.Tx) error {
		for id := 2; ; {
			page, err := tx.Page(id)
			if err != nil || page == nil {
				return err
			}
			if page.Type == "leaf" {
				ids = append(ids, id)
			}
			id += 1 + page.OverflowCount
		}
	})
	return ids, db.Info().PageSize, err
}

// keys returns those in a leaf, nil if that is of another kind.
func (k Kind) keys(page []byte) (keys []string) {
	order := binary.NativeEndian
	for i := range int(order.Uint16(page[countAt:])) {
		at := elementLen * (i + 1)
		if at+elementLen > len(page) {
			return nil
		}
		e := page[at:]
		from, size, value := int(order.Uint32(e[4:])), int(order.Uint32(e[8:])), int(order.Uint32(e[12:]))
		if from+size > len(e) || size < k.Skip || (value > 0) != k.Values {
			return nil
		}
		key := string(e[from : from+size])
		if !strings.HasPrefix(key[k.Skip:], k.Prefix) {
			return nil
		}
		keys = append(keys, key)
	}
	return keys
}

// middle returns which leaf has the middle place in the order of the first keys.
func middle(leaves [][]string) (at int) {
	for i, leaf := range leaves {
		before := 0
		for _, other := range leaves {
			if other[0] < leaf[0] {
				before++
			}
		}
		if before == len(leaves)/2 {
			at = i
		}
	}
	return at
}
