package bolt

import (
	"slices"

	"go.etcd.io/bbolt"
)

// How long a page is its head says, and its contents say it too. One of the two may be damaged: so a page is read as far
// as its contents go, and hides no other page that only its head, or only its contents, claims.

// reach returns how many bytes are worth reading of a page of which p has the first ones.
func (p page) reach(each int64) int64 {
	if p.flags() == freelistFlag {
		return min(max((int64(p.overflow())+1)*each, p.listBytes()), maxRead)
	}
	return max(p.contents(leafFlag, each), each)
}

// parts returns how many pages behind its first one a page surely has.
func (p page) parts(each int64) uint64 {
	n := int64(0)
	switch flags := p.flags(); flags {
	case freelistFlag:
		n = p.listBytes()/each + 1 // bbolt allocates the page before it knows how long the list will be
	case leafFlag, branchFlag:
		n = (p.contents(flags, each)+each-1)/each - 1
	}
	return uint64(min(max(n, 0), int64(p.overflow()))) //nolint:gosec // not negative
}

// listBytes returns how many bytes the list of a page of the freelist has.
func (p page) listBytes() int64 {
	n, _ := p.listHead()
	return pageHeaderLen + 8*int64(min(n+1, maxRead))
}

// contents returns where the last element of a leaf or a branch ends. Elements that nobody can have written do not count.
func (p page) contents(flags uint16, each int64) (end int64) {
	for i := range p.elements(each) {
		at := int64(pageHeaderLen + i*elementLen)
		h := p[at : at+elementLen]
		pos, key, value := int64(order.Uint32(h[4:])), int64(order.Uint32(h[8:])), int64(order.Uint32(h[12:]))
		if flags == branchFlag {
			pos, key, value = int64(order.Uint32(h)), int64(order.Uint32(h[4:])), 0
		}
		if key > 0 && key <= bbolt.MaxKeySize && value <= headerLen+maxValue && at+pos+key+value <= maxRead {
			end = max(end, at+pos+key+value)
		}
	}
	return end
}

// inline returns the page within an element of a leaf that is a small bucket, nil if it is none. How long it is depends on its
// own head and elements, not on what the leaf says.
func (p page) inline(i int, each int64) page {
	at := int64(pageHeaderLen + i*elementLen)
	h := p[at : at+elementLen]
	start := at + int64(order.Uint32(h[4:])) + int64(order.Uint32(h[8:]))
	if start+bucketLen+pageHeaderLen > int64(len(p)) || order.Uint64(p[start:]) != 0 {
		return nil
	}
	start += bucketLen
	return p[start:min(int64(len(p)), start+each/4)] // a larger one is not put within a page
}

// joined returns the first page of b, which is at the place of another, and behind it what is behind its own place: only that
// page may be elsewhere.
func (p *pages) joined(b page, id uint64) page {
	behind := int64(id+1) * p.each //nolint:gosec // a page of the file
	return append(slices.Clone(b[:p.each]), p.read(behind, int64(len(b))-p.each)...)
}

// read returns so many bytes from a place of the file on, those behind its end excepted, nil if it has not even a head.
func (p *pages) read(start, n int64) page {
	b := make([]byte, max(0, min(n, p.size-start)))
	if n, err := p.file.ReadAt(b, start); err != nil && n < pageHeaderLen {
		return nil
	}
	return b
}
