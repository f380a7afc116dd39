package bolt

import (
	"hash/fnv"
	"io"
)

// meta is what one of the first two pages says.
type meta struct {
	pageSize             int64
	root, freelist, txid uint64
	highWater            uint64 // no page from this one on is in use
}

// parseMeta reports whether b, which begins with a page's header, is a meta page.
func parseMeta(b []byte) (m meta, ok bool) {
	if len(b) < pageHeaderLen+metaLen {
		return m, false
	}
	b = b[pageHeaderLen:]
	if order.Uint32(b) != metaMagic || order.Uint32(b[4:]) != metaVersion || order.Uint64(b[metaLen-8:]) != metaSum(b) {
		return m, false
	}
	return meta{
		pageSize: int64(order.Uint32(b[8:])),
		root:     order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), txid: order.Uint64(b[48:]),
		highWater: order.Uint64(b[40:]),
	}, true
}

// metaSum returns the checksum of a meta page.
func metaSum(b []byte) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaLen-8]) // never fails
	return sum.Sum64()
}

// metas returns those of the two meta pages that are sound. The place of the second depends on the size of pages,
// which only they tell.
func metas(f io.ReaderAt) (found []meta) {
	places := []int64{0}
	for each := int64(512); each <= 1<<16; each *= 2 {
		places = append(places, each)
	}
	b := make([]byte, pageHeaderLen+metaLen)
	for _, at := range places {
		if n, _ := f.ReadAt(b, at); n < len(b) {
			continue
		}
		m, ok := parseMeta(b)
		if ok && (at == 0 || at == m.pageSize) && m.pageSize >= 512 && m.pageSize <= 1<<16 {
			found = append(found, m)
		}
	}
	return found
}

// newest returns the meta page that bbolt takes: the last sound one.
func newest(f io.ReaderAt) (found meta, ok bool) {
	for _, m := range metas(f) {
		if !ok || m.txid > found.txid {
			found, ok = m, true
		}
	}
	return found, ok
}
