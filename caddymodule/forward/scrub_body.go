package forward

import "io"

// scrubBuffer is the most that is read of a body at once, in bytes.
const scrubBuffer = 16 << 10

// scrubBody is a body out of which tokens are blanked. It holds nothing back that cannot be part of a token.
type scrubBody struct {
	io.ReadCloser
	text scrubText
	sent int   // up to this place the text was passed on
	err  error // that came behind the text
}

// newScrubBody reads a body of the given length, -1 if nobody knows. found is called when a token is found
// for the first time.
func newScrubBody(body io.ReadCloser, length int64, search *formSearch, found func()) *scrubBody {
	size := scrubBuffer
	if length >= 0 && length < scrubBuffer {
		size = int(length) + 1 // one more, to see the end
	}
	return &scrubBody{ReadCloser: body, text: scrubText{search: search, found: found, window: make([]byte, 0, size)}}
}

// Read implements io.Reader.
func (b *scrubBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.sent == b.text.fit {
		if b.err != nil {
			return 0, b.err
		}
		b.more()
	}
	n := copy(p, b.text.window[b.sent-b.text.base:b.text.fit-b.text.base])
	b.sent += n
	return n, nil
}

// more reads on. At the end of the body, what was held back turned out to be no token.
func (b *scrubBody) more() {
	b.makeRoom()
	window := b.text.window
	n, err := b.ReadCloser.Read(window[len(window):cap(window)])
	b.text.window = window[:len(window)+n]
	b.err = err
	b.text.searchOn(err != nil)
}

// makeRoom lets go of what was passed on. What is held back, which is no more than the longest form in its longest escapes,
// fills a quarter of the window at most: however small the pieces are that a body comes in, it is not moved often.
func (b *scrubBody) makeRoom() {
	window := b.text.window
	if cap(window)-len(window) >= cap(window)/2 && cap(window) > len(window) {
		return
	}
	held := window[b.sent-b.text.base:]
	room := window[:0]
	if len(held) > cap(window)/4 {
		room = make([]byte, 0, 2*cap(window))
	}
	room = append(room, held...)
	b.text.window, b.text.base = room, b.sent
}
