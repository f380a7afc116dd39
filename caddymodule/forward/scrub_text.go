package forward

import "sort"

// scrubText is a window on a text that streams through. The forms of tokens are blanked out of it, plain and escaped ones, as
// echoSearch finds them in a whole text. A blank is as long as what was there, so that lengths and
// offsets stay true. Escapes are blanked as a whole.
//
// Places are counted from the start of the text.
type scrubText struct {
	search *formSearch
	found  func() // is called at the first find; nil once it was

	window []byte // the text from base on, as far as it has come
	base   int
	seen   int // up to here it was searched
	fit    int // up to here nothing will be blanked any more

	plain, unescaped progress
	// parted: what the text stands for is not what it is, since an escape that may be part of a form. Before,
	// plain says it for both.
	parted bool
	units  []int // a ring: the places of the last units, which are bytes and escapes
	unit   int   // how many units there were

	blankFrom, blankTo int // what was blanked last
}

// searchOn searches what has come since; last says that nothing more will come.
func (t *scrubText) searchOn(last bool) {
	for {
		if !t.parted && t.plain.begun == 0 {
			t.skip()
		}
		rest := t.window[t.seen-t.base:]
		if len(rest) == 0 {
			break
		}
		c, n := rest[0], 1
		if t.search.begins[c]&escapeStarts != 0 {
			escape := string(rest[:min(len(rest), longestEscape)])
			if !last && cutEscape(escape) {
				break
			}
			c, n = unescapeFirst(escape)
		}
		t.take(c, n)
	}
	t.settle(last)
}

// skip goes on to the next byte that a form or an escape may begin with.
func (t *scrubText) skip() {
	rest := t.window[t.seen-t.base:]
	n := 0
	for n < len(rest) && t.search.begins[rest[n]] == 0 {
		n++
	}
	t.seen += n
}

// take goes on by a unit, which is n bytes long and stands for c.
func (t *scrubText) take(c byte, n int) {
	start, end := t.seen, t.seen+n
	if n > 1 && !t.parted {
		t.part()
	}
	if t.parted {
		t.units[t.unit%len(t.units)] = start
		t.unit++
	}
	from := end
	for i, b := range t.window[start-t.base : end-t.base] {
		if found := t.search.step(&t.plain, b); found > 0 {
			from = min(from, t.unitAt(start+i+1-found))
		}
	}
	if t.parted {
		if found := t.search.step(&t.unescaped, c); found > 0 {
			from = min(from, t.unitsAgo(found))
		}
		t.parted = t.plain.begun|t.unescaped.begun != 0
	}
	t.seen = end
	if from < end {
		t.blank(from, end)
	}
}

// part begins to tell the text from what it stands for.
func (t *scrubText) part() {
	if t.units == nil {
		t.units = make([]int, t.search.longest+1)
	}
	t.parted, t.unescaped, t.unit = true, t.plain, 0
	for place := t.seen - t.plain.most(); place < t.seen; place++ {
		t.units[t.unit] = place
		t.unit++
	}
}

// unitsAgo returns where the last n units begin.
func (t *scrubText) unitsAgo(n int) int { return t.units[(t.unit-n)%len(t.units)] }

// unitAt returns where the unit begins that the byte at a place is part of.
func (t *scrubText) unitAt(place int) int {
	if !t.parted {
		return place
	}
	kept := min(t.unit, len(t.units))
	ago := 1 + sort.Search(kept, func(i int) bool { return t.unitsAgo(i+1) <= place })
	if ago > kept {
		return place
	}
	return t.unitsAgo(ago)
}

// blank takes the text from one place to another out, as far as that was not done.
func (t *scrubText) blank(from, to int) {
	if t.found != nil {
		t.found()
		t.found = nil
	}
	todo := from
	if from >= t.blankFrom && from <= t.blankTo {
		todo = t.blankTo
	} else {
		t.blankFrom = from
	}
	t.blankTo = to
	for i := max(todo, t.base); i < to; i++ {
		t.window[i-t.base] = t.search.blank
	}
}

// settle says how much of the text is fit to be passed on.
func (t *scrubText) settle(last bool) {
	fit := t.seen
	if n := t.plain.most(); n > 0 {
		fit = t.unitAt(t.seen - n)
	}
	if n := t.unescaped.most(); t.parted && n > 0 {
		fit = min(fit, t.unitsAgo(n))
	}
	if fit >= t.blankFrom && fit < t.blankTo {
		fit = t.blankTo // blanks stay blanks
	}
	if last {
		fit = t.base + len(t.window)
	}
	t.fit = max(t.fit, fit)
}
