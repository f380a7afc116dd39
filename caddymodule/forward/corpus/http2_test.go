package corpus

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framesOf returns a request as HTTP/2 has it.
func (r *request) framesOf(prefixed bool) []frame {
	host := "{site}"
	if r.hasHost {
		host = r.host
	}
	fields := [][2]string{{":method", r.method}, {":scheme", "{scheme}"}, {":authority", host}, {":path", r.targetOf(prefixed)}}
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, [2]string{strings.ToLower(name), strings.TrimPrefix(value, " ")})
	}
	frames := []frame{{kind: "headers", stream: 1, end: r.body == "", fields: fields}}
	if r.body != "" {
		frames = append(frames, frame{kind: "data", stream: 1, end: true, args: r.body})
	}
	return frames
}

// http2 sends frames and reads until all streams that they open have ended, or the connection
// has.
func (x *exchange) http2(frames []frame) {
	defer x.conn.Close() //nolint:errcheck // nothing depends on it
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, io.TeeReader(x.conn, &x.raw))
	framer.AllowIllegalWrites = true
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.MaxHeaderListSize = 1 << 20
	_ = framer.WriteSettings()
	open := map[uint32]*received{}
	encoder := newFieldEncoder()
	for _, f := range frames {
		if f.kind == "headers" && open[f.stream] == nil {
			open[f.stream] = new(received)
		}
		if err := f.write(framer, encoder, x.values); err != nil {
			x.s.tb.Fatal(err)
		}
	}
	go func() { _, _ = x.conn.Write(out.Bytes()) }() // Caddy may answer before it has read all of it
	x.readFrames(framer, open)
	for _, id := range slices.Sorted(maps.Keys(open)) {
		if got := open[id]; got.what != "" {
			x.got = append(x.got, *got)
		}
	}
	if len(open) == 0 && len(x.got) == 0 {
		x.got = append(x.got, received{what: "closed"})
	}
}

// readFrames takes what comes for the streams that are open.
func (x *exchange) readFrames(framer *http2.Framer, open map[uint32]*received) {
	ended := map[uint32]bool{}
	for len(ended) < len(open) || len(open) == 0 {
		f, err := framer.ReadFrame()
		if err != nil {
			x.got = append(x.got, received{what: "closed"})
			if !isEnd(err) {
				x.got = append(x.got, received{what: err.Error()})
			}
			return
		}
		id := f.Header().StreamID
		got := open[id]
		if goaway, ok := f.(*http2.GoAwayFrame); ok {
			x.got = append(x.got, received{what: "goaway " + goaway.ErrCode.String()})
			return
		}
		if got == nil {
			continue
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			got.headers(f)
			if f.StreamEnded() {
				ended[id] = true
			}
		case *http2.DataFrame:
			got.body += string(f.Data())
			if f.StreamEnded() {
				ended[id] = true
			}
		case *http2.RSTStreamFrame:
			if !ended[id] {
				got.reset(f.ErrCode)
			}
			ended[id] = true
		}
	}
}

func (r *received) headers(f *http2.MetaHeadersFrame) {
	if r.header == nil {
		r.header = map[string][]string{}
	}
	for _, field := range f.Fields {
		if field.Name == ":status" {
			if len(field.Value) == 3 && field.Value[0] != '1' {
				r.what = field.Value
			}
			continue
		}
		name := http.CanonicalHeaderKey(field.Name)
		r.header[name] = append(r.header[name], field.Value)
	}
}

func (r *received) reset(code http2.ErrCode) {
	if r.what != "" {
		r.what += " cut"
		return
	}
	r.what = "reset " + code.String()
}

// fieldEncoder writes header fields, whatever they are.
type fieldEncoder struct {
	*hpack.Encoder
	block bytes.Buffer
}

func newFieldEncoder() *fieldEncoder {
	e := new(fieldEncoder)
	e.Encoder = hpack.NewEncoder(&e.block)
	return e
}

func (f frame) write(framer *http2.Framer, e *fieldEncoder, values map[string]string) error {
	switch f.kind {
	case "data":
		return framer.WriteData(f.stream, f.end, []byte(expand(f.args, values)))
	case "headers":
		e.block.Reset()
		for _, field := range f.fields {
			if err := e.WriteField(hpack.HeaderField{Name: expand(field[0], values), Value: expand(field[1], values)}); err != nil {
				return err
			}
		}
		return f.writeBlock(framer, e.block.Bytes())
	case "raw":
		parts := strings.SplitN(f.args, " ", 4)
		var numbers [3]uint64
		for i := range numbers {
			var err error
			if numbers[i], err = strconv.ParseUint(parts[i], 0, 32); err != nil {
				return err
			}
		}
		payload := ""
		if len(parts) == 4 {
			payload = expand(parts[3], values)
		}
		return framer.WriteRawFrame(http2.FrameType(numbers[0]), http2.Flags(numbers[1]), uint32(numbers[2]), []byte(payload))
	}
	return fmt.Errorf("no frame %s", f.kind)
}

// writeBlock writes a header block in as many frames as it needs.
func (f frame) writeBlock(framer *http2.Framer, block []byte) error {
	const most = 16 << 10
	first := block[:min(len(block), most)]
	block = block[len(first):]
	err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: first, EndStream: f.end, EndHeaders: len(block) == 0})
	for err == nil && len(block) > 0 {
		next := block[:min(len(block), most)]
		block = block[len(next):]
		err = framer.WriteContinuation(f.stream, len(block) == 0, next)
	}
	return err
}
