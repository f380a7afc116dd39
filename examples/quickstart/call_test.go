package main

import (
	"strings"
	"testing"
)

func TestCurlLines(t *testing.T) {
	tests := []struct {
		name string
		call call
		want string
	}{
		{"a GET is what curl does anyway", call{method: "GET", url: "http://localhost:1/a"}, "curl -s http://localhost:1/a"},
		{"a POST without a body names the method", call{method: "POST", url: "http://localhost:1/a"}, "curl -s -X POST http://localhost:1/a"},
		{
			"a body makes it a POST, and headers keep their order",
			call{method: "POST", url: "http://localhost:1/a", body: "it's", header: []field{{"B", "1"}, {"A", `{"x":"y"}`}}},
			`curl -s http://localhost:1/a -H 'B: 1' -H 'A: {"x":"y"}' --data-binary 'it'\''s'`,
		},
		{"a query is quoted", call{method: "GET", url: "http://localhost:1/a?b=c&d"}, "curl -s 'http://localhost:1/a?b=c&d'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.call.curl(), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
