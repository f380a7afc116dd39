package bolt

import "bytes"

// key returns the key of an element of a branch or a leaf. ok is false if it is outside of the page.
func (p page) key(i int) (key []byte, ok bool) {
	at := pageHeaderLen + i*elementLen
	if at+elementLen > len(p) {
		return nil, false
	}
	h := p[at : at+elementLen]
	if p.flags() != branchFlag {
		h = h[4:] // behind the flags
	}
	start := int64(at) + int64(order.Uint32(h))
	end := start + int64(order.Uint32(h[4:]))
	if start == end || end > int64(len(p)) {
		return nil, false
	}
	return p[start:end], true
}

// seek returns how many elements have a key that is less than the given one, and whether the next one has it. It is
// right if the keys are in order, and ends if they are not.
func (p page) seek(key []byte) (i int, exact bool) {
	low, high := 0, p.count()
	for low < high {
		middle := (low + high) / 2
		k, ok := p.key(middle)
		if !ok {
			return 0, false
		}
		switch c := bytes.Compare(k, key); {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// toward returns the child of a branch below which a key is, if it is anywhere.
func (p page) toward(key []byte) int {
	i, exact := p.seek(key)
	if !exact && i > 0 {
		i--
	}
	return i
}

// get returns the element of a leaf that has a key.
func (p page) get(key []byte) (e element, ok bool) {
	i, exact := p.seek(key)
	if !exact {
		return e, false
	}
	return p.leaf(i)
}

// flaw tells in which way a page is not one that bbolt wrote, "" if it is one. The given numbers are the bytes of a page, 0 if it is inline, and
// how many pages there are. Only a root may be empty.
func (p page) flaw(each int, pages uint64, root bool) string {
	n, branch := p.count(), p.flags() == branchFlag
	end := int64(pageHeaderLen + n*elementLen)
	if n == 0 && (branch || !root) || end > int64(len(p)) {
		return "has a wrong number of elements"
	}
	var before []byte
	for i := range n {
		at := pageHeaderLen + i*elementLen
		h := p[at : at+elementLen]
		var pos, keyLen, valueLen uint32
		if branch {
			pos, keyLen = order.Uint32(h), order.Uint32(h[4:])
			if child := order.Uint64(h[8:]); child < 2 || child >= pages || child == p.id() {
				return "leads out of the file, or to itself"
			}
		} else {
			pos, keyLen, valueLen = order.Uint32(h[4:]), order.Uint32(h[8:]), order.Uint32(h[12:])
			if order.Uint32(h) > bucketFlag {
				return "has an element of an unknown kind"
			}
		}
		start := int64(at) + int64(pos)
		middle := start + int64(keyLen)
		if start != end || keyLen == 0 || middle+int64(valueLen) > int64(len(p)) {
			return "has an element that is not in its place"
		}
		key := p[start:middle]
		if i > 0 && bytes.Compare(before, key) >= 0 {
			return "has keys that are out of order"
		}
		before, end = key, middle+int64(valueLen)
	}
	if each == 0 && end != int64(len(p)) || each > 0 && (end+int64(each)-1)/int64(each) != int64(p.overflow())+1 {
		return "is longer than what is in it"
	}
	return ""
}
