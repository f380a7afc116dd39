package forward_test

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// metric returns the value of a series of the token store.
func (p *proxyTest) metric(series string) float64 {
	p.T.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		p.T.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
			}
			if "caddy_token_store_"+series == family.GetName()+"{"+strings.Join(labels, ",")+"}" {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// echoToken answers with the token that it was sent, in the form and with the headers that the query says.
func echoToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	text := fmt.Sprintf(`{"token":"%s","rest":1}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if q.Has("base64") {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	w.Header()["Content-Type"] = q["type"]
	if encoding := q.Get("encoding"); encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
		gz := gzip.NewWriter(w)
		_, _ = io.WriteString(gz, text)
		_ = gz.Close()
		return
	}
	if q.Has("ranges") {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
		return
	}
	if status, err := strconv.Atoi(q.Get("status")); err == nil {
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, text)
}

func TestScrubBodyBlanksTheToken(t *testing.T) {
	p := proxyTo(t, newAPI(t, echoToken).host(), "", "scrub_body")
	for name, query := range map[string]string{
		"of JSON":            "type=application/json",
		"of problems":        "type=application/problem%2Bjson;+charset=utf-8",
		"of text":            "type=Text/Plain",
		"of a page":          "type=text/html",
		"of XML":             "type=application/xml",
		"of a script":        "type=application/javascript",
		"of a form":          "type=application/x-www-form-urlencoded",
		"of lines of JSON":   "type=application/x-ndjson",
		"of parts":           "type=multipart/mixed;+boundary=x",
		"of no type at all":  "",
		"of what is no type": "type=json",
		"of two types":       "type=application/octet-stream&type=text/plain",
		"in base64":          "type=text/plain&base64",
		"of an error":        "type=application/json&status=500",
	} {
		t.Run(name, func(t *testing.T) {
			before := p.metric(`echoes_removed_total{place="body",provider="demo"}`)
			res, body := p.wantGet("/x?"+query, -1)
			if strings.Contains(query, "base64") {
				plain, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "*", "A"))
				if err != nil || strings.Contains(string(plain), p.token) || !strings.HasSuffix(string(plain), `"rest":1}`) {
					t.Errorf("%s, %v", plain, err)
				}
			} else if want := fmt.Sprintf(`{"token":"%s","rest":1}`, strings.Repeat("*", len(p.token))); body != want {
				t.Errorf("%s", body)
			}
			if res.ContentLength != int64(len(body)) {
				t.Errorf("length %d of %d", res.ContentLength, len(body))
			}
			if after := p.metric(`echoes_removed_total{place="body",provider="demo"}`); after != before+1 {
				t.Errorf("%v became %v", before, after)
			}
		})
	}
	t.Run("and leaves other bodies alone", func(t *testing.T) {
		if _, body := p.wantGet("/x?type=image/png", http.StatusOK); !strings.Contains(body, p.token) {
			t.Errorf("%s", body)
		}
		if res, _ := p.do(p.request("HEAD", "/x?type=text/plain&encoding=gzip", nil)); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	p.waitForLog(`"uri":"/x`)
	if !strings.Contains(p.Log(), "the API's answer repeats the token, which is taken out") {
		t.Error("the log does not tell")
	}
}

func TestBodiesAreNotSearchedUnlessTheRouteSaysSo(t *testing.T) {
	p := proxyTo(t, newAPI(t, echoToken).host(), "", "")
	if _, body := p.wantGet("/x?type=application/json", http.StatusOK); !strings.Contains(body, p.token) {
		t.Errorf("%s", body)
	}
}

func TestScrubBodyAsksForWholeBodies(t *testing.T) {
	a := newAPI(t, echoToken)
	p := proxyTo(t, a.host(), "", "scrub_body")
	r := p.request("GET", "/x?type=text/plain&ranges", nil)
	r.Header.Set("Range", "bytes=0-20")
	r.Header.Set("If-Range", `"x"`)
	r.Header.Set("Accept-Encoding", "gzip")
	res, body := p.do(r)
	if res.StatusCode != http.StatusOK || !strings.HasSuffix(body, `**","rest":1}`) || res.Header.Get("Accept-Ranges") != "" {
		t.Errorf("status %d, %v: %s", res.StatusCode, res.Header, body)
	}
	if sent := a.requests()[0].Header; sent.Get("Accept-Encoding") != "identity" || sent.Get("Range")+sent.Get("If-Range") != "" {
		t.Errorf("%v", sent)
	}
}

func TestScrubBodyWithholdsWhatItCannotSearch(t *testing.T) {
	p := proxyTo(t, newAPI(t, echoToken).host(), "", "scrub_body")
	for name, query := range map[string]string{
		"a text that is compressed":  "type=text/plain&encoding=gzip",
		"one in an encoding unknown": "type=application/json&encoding=identity,x-own",
		"a part of a text":           "type=text/plain&status=206",
	} {
		t.Run(name, func(t *testing.T) {
			if _, body := p.wantGet("/x?"+query, http.StatusBadGateway); !strings.Contains(body, "unsearchable_answer") {
				t.Errorf("%s", body)
			}
		})
	}
	if n := p.metric(`requests_forwarded_total{outcome="unsearchable_answer",provider="demo"}`); n != 3 {
		t.Errorf("%v are counted", n)
	}
}

func TestScrubBodyKnowsTheRefusedTokenToo(t *testing.T) {
	var refused string
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintf(w, "%s %s.", refused, r.Header.Get("Authorization"))
	})
	p := proxyTo(t, a.host(), "", "scrub_body")
	refused = p.token
	a.refused.Store(&p.token)
	_, body := p.wantGet("/x", http.StatusOK)
	if words := strings.Fields(strings.ReplaceAll(body, "*", "")); strings.Join(words, " ") != "Bearer ." || strings.Count(body, "*") < 2*len(p.token)-8 {
		t.Errorf("%s", body)
	}
}

func TestScrubBodyLetsEventsThrough(t *testing.T) {
	read := make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d %s\n\n", i, r.Header.Get("Authorization"))
			_ = http.NewResponseController(w).Flush()
			<-read
		}
	})
	p := proxyTo(t, a.host(), "", "scrub_body")
	res, err := p.client.RoundTrip(p.request("GET", "/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	br := bufio.NewReader(res.Body)
	for i := range 3 {
		want := fmt.Sprintf("data: %d Bearer %s\n\n", i, strings.Repeat("*", len(p.token)))
		event := make([]byte, len(want))
		if _, err := io.ReadFull(br, event); string(event) != want {
			t.Fatalf("%q, %v", event, err)
		}
		read <- struct{}{} // only now is there another event
	}
	if n := p.metric(`echoes_removed_total{place="body",provider="demo"}`); n != 1 {
		t.Errorf("%v answers are counted", n)
	}
}
