package damagedpage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// spot is a page on the way to a record.
type spot struct {
	id   int
	page []byte // of the file, which it shares
}

// StaleBranch puts, in place of the page where the tree of a bucket's records begins in the database at path, what that was in a copy of before. So
// a disk leaves it that drops a write, if the page had the same part before. Nobody may have either open. It returns an error
// if the page is no branch, above the leaf of the record.
func StaleBranch(path, before, bucket, id string) error {
	return earlier(path, before, bucket, id, func(way []spot) (spot, error) {
		if len(way) < 2 {
			return spot{}, fmt.Errorf("the tree of %s is one leaf", bucket)
		}
		return way[0], nil
	})
}

// StaleLeaf is StaleBranch of the leaf where a record is, or belongs.
func StaleLeaf(path, before, bucket, id string) error {
	return earlier(path, before, bucket, id, func(way []spot) (spot, error) { return way[len(way)-1], nil })
}

// Beside returns the ids of the records of a bucket that are in the leaf where a record is, or belongs.
func Beside(path, bucket, id string) (ids []string, err error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	way, err := wayTo(path, file, bucket, id)
	if err != nil {
		return nil, err
	}
	return Records("").keys(way[len(way)-1].page), nil
}

func earlier(path, before, bucket, id string, choose func(way []spot) (spot, error)) error {
	var found [2]spot
	var files [2][]byte
	for i, name := range []string{path, before} {
		file, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		way, err := wayTo(name, file, bucket, id)
		if err != nil {
			return err
		}
		if found[i], err = choose(way); err != nil {
			return err
		}
		files[i] = file
	}
	copy(found[0].page, found[1].page)
	binary.NativeEndian.PutUint64(found[0].page, uint64(found[0].id)) //nolint:gosec // not negative
	return os.WriteFile(path, files[0], 0o600)                        //nolint:gosec // the path is that of a test
}

// wayTo returns the pages from the begin of the tree of a bucket's records to the leaf where an id belongs.
func wayTo(path string, file []byte, bucket, id string) (way []spot, err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	next := 0
	err = db.View(func(tx *bbolt.Tx) error {
		records := tx.Bucket([]byte("records"))
		if records == nil || records.Bucket([]byte(bucket)) == nil {
			return fmt.Errorf("%s has no records of %s", path, bucket)
		}
		next = int(records.Bucket([]byte(bucket)).Root()) //nolint:gosec // of a small file
		return nil
	})
	if next == 0 && err == nil {
		err = fmt.Errorf("the records of %s have no page of their own in %s", bucket, path)
	}
	each := db.Info().PageSize
	for err == nil {
		page := file[next*each:][:each]
		way = append(way, spot{next, page})
		if binary.NativeEndian.Uint16(page[flagsAt:])&leafFlag != 0 {
			return way, nil
		}
		next = toward(page, id)
	}
	return nil, err
}

// toward returns the child of a branch below which an id is.
func toward(page []byte, id string) (child int) {
	order := binary.NativeEndian
	for i := range int(order.Uint16(page[countAt:])) {
		e := page[elementLen*(i+1):]
		from, size := order.Uint32(e), order.Uint32(e[4:])
		if i > 0 && string(e[from:from+size]) > id {
			break
		}
		child = int(order.Uint64(e[8:])) //nolint:gosec // of a small file
	}
	return child
}
