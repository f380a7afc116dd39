package accesslog

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// logsOf returns how the server of r logs; nil if it has no access log.
func logsOf(r *http.Request) *caddyhttp.ServerLogConfig {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return nil
	}
	return server.Logs
}

// wants reports whether requests for a host are in the access log.
func wants(logs *caddyhttp.ServerLogConfig, hostport string) bool {
	patterns := patternsOf(hostport)
	if _, mapped := mappedTo(logs, patterns); mapped {
		return true
	}
	for _, skipped := range logs.SkipHosts {
		if slices.Contains(patterns, strings.ToLower(skipped)) {
			return false
		}
	}
	return !logs.SkipUnmappedHosts
}

// loggerNames returns the names of the loggers that log a request, below http.log.access and http.log.error; an empty name
// is one of these two themselves.
func loggerNames(logs *caddyhttp.ServerLogConfig, r *http.Request) []string {
	if chosen, ok := caddyhttp.GetVar(r.Context(), caddyhttp.AccessLoggerNameVarKey).([]any); ok { // by log_name
		var names []string
		for _, name := range chosen {
			if s, ok := name.(string); ok {
				names = append(names, s)
			}
		}
		return names
	}
	if names, mapped := mappedTo(logs, patternsOf(r.Host)); mapped {
		return names
	}
	return []string{logs.DefaultLoggerName}
}

func mappedTo(logs *caddyhttp.ServerLogConfig, patterns []string) (names []string, mapped bool) {
	for _, pattern := range patterns {
		if names, mapped := logs.LoggerNames[pattern]; mapped {
			return names, true
		}
	}
	return nil, false
}

// patternsOf returns the host names, with asterisks for labels from the left, that stand for a host.
func patternsOf(hostport string) []string {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	patterns := []string{host}
	labels := strings.Split(host, ".")
	for i := range labels {
		labels[i] = "*"
		patterns = append(patterns, strings.Join(labels, "."))
	}
	return patterns
}
