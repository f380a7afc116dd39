package metrics

import (
	"slices"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// otherLabel stands for every value that is not to become a label. No provider
// can have this name: theirs begin with a letter or digit.
const otherLabel = "_other"

// vocabulary is the fixed list of the values that a label may have. Anything
// else becomes otherLabel: an error code is chosen by a foreign server, and a
// server that invents them must not be able to make series without end.
type vocabulary []string

func (v vocabulary) label(s string) string {
	if slices.Contains(v, s) {
		return s
	}
	return otherLabel
}

// Outcomes of requests that were not refused.
const (
	OutcomeOK     = "ok"
	OutcomePassed = "passed" // without a token
)

// Places where an answer may have the token, which is taken out there. In a header, it makes the whole answer
// be withheld.
const (
	EchoInBody    = "body"
	EchoInTrailer = "trailer"
)

// Values of the label result of refreshes beside the classes of package oauth.
const (
	resultOK      = "ok"
	resultNotSent = "not_sent" // nothing was sent to the server
)

var (
	refreshResults = vocabulary{resultOK, resultNotSent, "transient", "unknown", "dead", "config"}

	// refreshReasons are the words of package oauth for what went wrong, the error codes of RFC
	// 6749 section 5.2, and the engine's own: "storage" did not take the
	// intent, and "internal" is a mistake of this module.
	refreshReasons = vocabulary{
		"", "storage", "internal",
		"bad_url", "bad_request", "no_token", "repeated",
		"timeout", "canceled", "cut", "dns", "refused", "network", "tls",
		"redirect", "refused_address", "too_large", "malformed", "status",
		"invalid_grant", "invalid_client", "invalid_request", "invalid_scope",
		"unauthorized_client", "unsupported_grant_type",
		"temporarily_unavailable", "server_error", "slow_down", "access_denied",
	}

	consentReasons = vocabulary{
		string(tokenstore.ReasonRevoked), string(tokenstore.ReasonInterruptedRotation),
		string(tokenstore.ReasonNoRefreshToken), string(tokenstore.ReasonClientChanged),
		string(tokenstore.ReasonDatabaseRestored),
	}

	states = vocabulary{
		string(tokenstore.StateReady), string(tokenstore.StateRetrying),
		string(tokenstore.StateNeedsConsent), adminapi.StateDamaged,
	}

	// outcomes of the two routes: that it went well, and the codes of problems.
	outcomes = vocabulary{
		OutcomeOK, OutcomePassed, "refused_host", "refused_address", "token_echoed", "unsearchable_answer",
		"bad_request", "not_found", "method_not_allowed", "wrong_host",
		"origin_not_allowed", "caller_not_allowed", "websocket_not_allowed", "credentials_needed", "issuer_unavailable", "too_many_requests", "unknown_connection",
		"consent_needed", "unavailable", "store_unavailable", "provider_refuses_client",
	}

	echoPlaces = vocabulary{EchoInBody, EchoInTrailer}

	retryOutcomes = vocabulary{"ok", "still_401", "not_replayable", "refresh_failed"}
)

// refreshLabels returns the labels result and reason of an attempt.
func refreshLabels(e tokenstore.RefreshEvent) (result, reason string) {
	reason = refreshReasons.label(e.Reason)
	switch {
	case e.Err == nil:
		return resultOK, ""
	case e.Reason == "storage":
		return resultNotSent, reason
	default:
		return refreshResults.label(e.Class.String()), reason
	}
}

// stateLabel returns the state of a connection as it is shown.
func stateLabel(s tokenstore.Status) string {
	if s.Damaged {
		return adminapi.StateDamaged
	}
	return states.label(string(s.State))
}
