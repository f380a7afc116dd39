package caddymodule

type metrics struct{}

// handedOut counts an answer of a token endpoint. outcome is a fixed word: "ok" or the problem's code.
func (m *metrics) handedOut(provider, outcome string) {}

// forwarded counts a forwarded request: "ok", "passed" (on_error pass), "refused_host" or the problem's code.
func (m *metrics) forwarded(provider, outcome string) {}

// retried counts a retry after a 401: "ok", "still_401", "not_replayable", "refresh_failed".
func (m *metrics) retried(provider, outcome string) {}
