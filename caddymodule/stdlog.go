package caddymodule

import (
	"bytes"
	"io"
	"log"
)

// unsolicited is what net/http says of bytes that come where no answer is due, such as a body after the answer to HEAD. Behind it, it quotes
// them, and an API that repeats what it was sent would get the token into Caddy's log. The transport has no logger that could be set.
const unsolicited = "Unsolicited response received on idle HTTP channel"

// cutUnsolicited keeps these bytes out of what the standard library logs. Caddy sends that to its own log, anew with
// each configuration, so that this is to be called whenever one starts.
func cutUnsolicited() {
	if out := log.Writer(); !isCutter(out) {
		log.SetOutput(cutter{out})
	}
}

func isCutter(w io.Writer) bool {
	_, ok := w.(cutter)
	return ok
}

// cutter takes from a line what net/http quotes.
type cutter struct{ io.Writer }

// Write implements io.Writer. log calls it once for each line.
func (c cutter) Write(line []byte) (int, error) {
	before, _, found := bytes.Cut(line, []byte(unsolicited))
	if !found {
		return c.Writer.Write(line)
	}
	short := append(bytes.Clone(before), unsolicited+"; what it was is not told, since a token may be in it\n"...)
	if _, err := c.Writer.Write(short); err != nil {
		return 0, err
	}
	return len(line), nil
}
