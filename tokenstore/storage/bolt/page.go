package bolt

import (
	"encoding/binary"
	"io"
)

// What follows reads bbolt's pages without trusting them: bbolt itself panics, or walks in a circle, when it
// meets a damaged one. Numbers are in the byte order of the machine.
const (
	pageHeaderLen = 16 // id 8, flags 2, count 2, overflow 4
	elementLen    = 16
	metaLen       = 64 // behind the page's header
	bucketLen     = 16 // root 8, sequence 8; an inline page follows if root is 0

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10

	bucketFlag = 0x01 // of an element

	metaMagic   = 0xED0CDAED
	metaVersion = 2
)

// maxRead bounds what is read for one page. A damaged page can claim to go on for gigabytes.
const maxRead = 5 * maxValue

var order = binary.NativeEndian

// page is a page and those it overflows into, or an inline one.
type page []byte

func (p page) id() uint64       { return order.Uint64(p) }
func (p page) flags() uint16    { return order.Uint16(p[8:]) }
func (p page) count() int       { return int(order.Uint16(p[10:])) }
func (p page) overflow() uint32 { return order.Uint32(p[12:]) }

// elements returns how many elements there are. The place of the first one's key tells it as well as
// the header does, so that one of the two may be damaged. Their table never goes beyond the first of
// the pages; where it seems to, it is that of another page.
func (p page) elements(each int64) int {
	n := p.count()
	room := (min(len(p), int(each)) - pageHeaderLen) / elementLen
	at := pageHeaderLen // of pos in a branch
	if p.flags() != branchFlag {
		at += 4
	}
	if room > 0 {
		if pos := int(order.Uint32(p[at:])); pos%elementLen == 0 && pos/elementLen <= room {
			n = max(n, pos/elementLen)
		}
	}
	return min(n, room)
}

// element is one of a leaf.
type element struct {
	bucket     bool
	key, value []byte
}

// leaf returns an element. ok is false if it is outside of the page.
func (p page) leaf(i int) (e element, ok bool) {
	at := pageHeaderLen + i*elementLen
	h := p[at : at+elementLen]
	start := int64(at) + int64(order.Uint32(h[4:]))
	middle := start + int64(order.Uint32(h[8:]))
	end := middle + int64(order.Uint32(h[12:]))
	if end > int64(len(p)) || middle == start {
		return e, false
	}
	return element{order.Uint32(h)&bucketFlag != 0, p[start:middle], p[middle:end]}, true
}

// child returns the page that an element of a branch leads to.
func (p page) child(i int) uint64 { return order.Uint64(p[pageHeaderLen+i*elementLen+8:]) }

// freed returns the pages that a page of the freelist lists. It is not ok if these cannot be of a file with that many
// pages: bbolt writes them in their order.
func (p page) freed(count uint64) (ids []uint64, ok bool) {
	n, list := uint64(p.count()), p[pageHeaderLen:] //nolint:gosec // 16 bits
	if n == 0xFFFF && len(list) >= 8 {
		n, list = order.Uint64(list), list[8:]
	}
	if p.flags() != freelistFlag || n > uint64(len(list)/8) {
		return nil, false
	}
	last := uint64(1)
	for i := range n {
		id := order.Uint64(list[8*i:])
		if id <= last || id >= count || id == p.id() {
			return nil, false
		}
		ids, last = append(ids, id), id
	}
	return ids, true
}

// pages are the pages of a file.
type pages struct {
	file  io.ReaderAt
	size  int64 // of the file
	each  int64 // bytes of a page
	moved map[uint64]uint64
}

// count returns how many pages there are. The last one may be cut off.
func (p *pages) count() uint64 {
	return uint64((p.size + p.each - 1) / p.each) //nolint:gosec // neither is negative
}

// header returns the header of the page at a place, nil if it cannot be read.
func (p *pages) header(place uint64) page {
	b := make([]byte, pageHeaderLen)
	if place >= p.count() {
		return nil
	}
	if _, err := p.file.ReadAt(b, int64(place)*p.each); err != nil { //nolint:gosec // less than count
		return nil
	}
	return b
}

// at returns the page at a place, as much of it as there is, nil if none of it can be read.
func (p *pages) at(place uint64) page {
	h := p.header(place)
	if h == nil {
		return nil
	}
	start := int64(place) * p.each //nolint:gosec // header has checked it
	b := p.read(start, p.each)
	if b == nil {
		return nil
	}
	if reach := b.reach(p.each); reach > p.each {
		return p.read(start, reach)
	}
	return b
}

// find notes the pages that are at the place of another.
func (p *pages) find() {
	p.moved = make(map[uint64]uint64)
	for place := range p.count() {
		h := p.header(place)
		if h == nil || h.id() == place || h.id() < 2 || h.id() >= p.count() {
			continue
		}
		if f := h.flags(); f == branchFlag || f == leafFlag || f == freelistFlag {
			p.moved[h.id()] = place
		}
	}
}

// get returns a page and its place, wherever it is, nil if it is nowhere. What has its place is taken for it, whatever
// it says of itself, if it is at no other place.
func (p *pages) get(id uint64) (b page, place uint64) {
	b = p.at(id)
	if b == nil || b.id() == id {
		return b, id
	}
	if place, ok := p.moved[id]; ok {
		return p.at(place), place
	}
	return b, id
}

// name returns the id of the page at a place that has this header: what the header says, unless another page has
// more right to it.
func (p *pages) name(place uint64, h page) uint64 {
	id := h.id()
	if id == place || id >= p.count() {
		return place
	}
	if other := p.header(id); other != nil && other.id() == id {
		return place
	}
	return id
}
