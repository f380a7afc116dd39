package forward

import "math/bits"

// maxForms is how many forms are searched for at once: those of two tokens are 14.
const maxForms = 15

// escapeStarts marks bytes that an escape can begin with, beside the marks of the forms.
const escapeStarts = 1 << maxForms

// formSearch searches texts for all forms of some tokens at once, byte by byte. What it does for a byte is
// bounded on the average, whatever the text is and whoever wrote it.
type formSearch struct {
	forms   []form
	begins  [256]uint16 // the forms that begin with a byte, a bit for each
	longest int
	blank   byte // stands for each byte that is taken out, and is in no form
}

// newFormSearch returns a search for tokens, of which there are at most two. Those that would stand in other texts by
// chance are left out.
func newFormSearch(tokens ...string) *formSearch {
	s := new(formSearch)
	inForm := [256]bool{}
	for _, token := range tokens {
		if len(token) < shortestEcho {
			continue
		}
		for _, text := range encodings(token) {
			s.begins[text[0]] |= 1 << len(s.forms)
			s.forms = append(s.forms, form{text: text})
			s.longest = max(s.longest, len(text))
			for i := range len(text) {
				inForm[text[i]] = true
			}
		}
	}
	s.begins['%'] |= escapeStarts
	s.begins['\\'] |= escapeStarts
	// A blank that were part of a form could complete one. Neither is it part of an escape. DEL cannot stand in a
	// header, and so not in a token, and may stand in JSON and XML.
	for _, s.blank = range []byte("*#!~\x7f") {
		if !inForm[s.blank] {
			break
		}
	}
	return s
}

// form is one way to write a token. It is searched for as Knuth, Morris and Pratt do.
type form struct {
	text string
	// borders[n] is the length of the longest text, other than text[:n] itself, that text[:n] both begins and ends with.
	// It is made as far as it is needed, which is a few bytes mostly.
	borders []int
}

// next returns with how many bytes of f a text ends after c, if it ended with n of them before c.
func (f *form) next(n int, c byte) int {
	for n == len(f.text) || f.text[n] != c {
		if n == 0 {
			return 0
		}
		n = f.border(n)
	}
	return n + 1
}

func (f *form) border(n int) int {
	if f.borders == nil {
		f.borders = []int{0, 0}
	}
	for i := len(f.borders); i <= n; i++ {
		k := f.borders[i-1]
		for k > 0 && f.text[k] != f.text[i-1] {
			k = f.borders[k]
		}
		if f.text[k] == f.text[i-1] {
			k++
		}
		f.borders = append(f.borders, k)
	}
	return f.borders[n]
}

// progress is how much of each form a text ends with.
type progress struct {
	begun uint16 // the forms of which it is anything
	have  [maxForms]int
}

// step goes on by a byte. It returns the length of the longest form that ends with it, 0 if none does.
func (s *formSearch) step(p *progress, c byte) (found int) {
	for todo := (p.begun | s.begins[c]) &^ escapeStarts; todo != 0; todo &= todo - 1 {
		i := bits.TrailingZeros16(todo)
		n := s.forms[i].next(p.have[i], c)
		p.have[i] = n
		if n == 0 {
			p.begun &^= 1 << i
			continue
		}
		p.begun |= 1 << i
		if n == len(s.forms[i].text) {
			found = max(found, n)
		}
	}
	return found
}

// most returns how many bytes at the end of the text may be the start of a form.
func (p *progress) most() (n int) {
	for todo := p.begun; todo != 0; todo &= todo - 1 {
		n = max(n, p.have[bits.TrailingZeros16(todo)])
	}
	return n
}
