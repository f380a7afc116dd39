package forward

import "net/http"

// shape does with an answer what settings ask for that most routes do not have. res is what is passed on of the
// answer from.
func (t *Transport) shape(res, from *http.Response, r *http.Request, e *errand) error {
	if t.RewriteRedirects && e.guarded != nil {
		rewriteRedirects(res.Header, redirect{asked: r, sent: &e.url, provider: e.provider, inner: e.guarded.asked})
	}
	if t.ScrubBody {
		if err := t.scrub(res, e); err != nil {
			return err
		}
	}
	if len(t.trailers) > 0 {
		t.passTrailers(res, from, e)
	}
	return nil
}

// shapes reports whether there are such settings.
func (t *Transport) shapes() bool { return t.RewriteRedirects || t.ScrubBody || len(t.trailers) > 0 }
