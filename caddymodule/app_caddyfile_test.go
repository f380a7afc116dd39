package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

var update = flag.Bool("update", false, "write what is adapted into testdata")

// rule stands between a Caddyfile and its JSON.
const rule = "----------\n"

func TestCaddyfilesAreAdapted(t *testing.T) {
	files, err := filepath.Glob("testdata/caddyfile/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, _ := strings.Cut(string(raw), rule)
			adapted, err := testcaddy.Adapt(caddyfile)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, adapted, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			if *update {
				if err := os.WriteFile(file, []byte(caddyfile+rule+got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("adapted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCaddyfileProblemsAreToldWithTheirLine(t *testing.T) {
	tests := map[string]struct {
		block string // begins in line 2
		want  []string
	}{
		"an argument": {"token_store x {\n}", []string{`unexpected "x", at Caddyfile:2`}},
		"a second block": {
			"token_store {\n}\ntoken_store {\n}", []string{"token_store is configured twice; put everything into one block, at Caddyfile:4"},
		},
		"an unknown setting":        {"token_store {\nstorrage bolt /x\n}", []string{`unknown setting "storrage" of token_store`, "it may have: audit, encryption_key, ", "at Caddyfile:3"}},
		"a repeated setting":        {"token_store {\nstorage bolt /x\nstorage bolt /y\n}", []string{"storage is already specified, at Caddyfile:4"}},
		"an unknown backend":        {"token_store {\nstorage etcd /x\n}", []string{"write: storage bolt <path>, at Caddyfile:3"}},
		"a database without a path": {"token_store {\nstorage bolt\n}", []string{"write: storage bolt <path>, at Caddyfile:3"}},
		"a block where none is":     {"token_store {\nstorage bolt /x {\ny\n}\n}", []string{"storage takes no block, at Caddyfile:4"}},
		"a key that is none":        {"token_store {\nencryption_key hunter2\n}", []string{"encryption_key: invalid encryption key", "openssl rand", "at Caddyfile:3"}},
		"a key that is missing":     {"token_store {\nencryption_key\n}", []string{"encryption_key takes one argument, such as {file./path}", "at Caddyfile:3"}},
		"no connections in metrics": {"token_store {\nmetrics_connections 0\n}", []string{"metrics_connections takes one number greater than 0, at Caddyfile:3"}},
		"a provider without a name": {"token_store {\nprovider {\nclient_id x\n}\n}", []string{"write: provider <name> [<preset>], at Caddyfile:3"}},
		"a provider's bad name":     {"token_store {\nprovider A dropbox {\nclient_id x\n}\n}", []string{`provider A: name: `, "lower-case letters", "at Caddyfile:3"}},
		"a provider's name again": {
			"token_store {\nprovider a dropbox {\nclient_id x\n}\nprovider a dropbox {\nclient_id x\n}\n}",
			[]string{"provider a is already specified; give each provider its own name, at Caddyfile:6"},
		},
		"an unknown preset":        {provider("", "nope", "client_id x"), []string{`preset: there is no preset "nope"`, "dropbox", "at Caddyfile:3"}},
		"no client id":             {provider("", "dropbox", ""), []string{"client_id: it is empty; register an app", "at Caddyfile:3"}},
		"an empty client id":       {provider("", "dropbox", "client_id \"\""), []string{"client_id: it takes one value, and has an empty one", "{$NAME}", "at Caddyfile:4"}},
		"an unset {$VARIABLE}":     {provider("", "dropbox", "client_id {$THIS_IS_NOT_SET}"), []string{"client_id: it takes one value, and has none", "{$NAME}", "at Caddyfile:4"}},
		"an unknown setting of it": {provider("client_id x", "dropbox", "clientid x"), []string{`unknown setting "clientid" of a provider; it may have: `, "at Caddyfile:5"}},
		"a setting of it again":    {provider("client_id x", "dropbox", "client_id y"), []string{"client_id is already specified, at Caddyfile:5"}},
		"a block in it":            {provider("client_id x", "dropbox", "lead 5m {\nx\n}"), []string{"lead takes no block, at Caddyfile:6"}},
		"an unknown grant":         {provider("client_id x", "dropbox", "grant password"), []string{`grant: unknown grant "password"`, "at Caddyfile:5"}},
		"a bad scope":              {provider("client_id x", "dropbox", `scopes a "b c"`), []string{`scopes: "b c" is no scope`, "at Caddyfile:5"}},
		"no scope":                 {provider("client_id x", "dropbox", `scopes`), []string{"scopes: it takes one or more values", "at Caddyfile:5"}},
		"http":                     {provider("client_id x", "dropbox", "token_url http://example.com/token"), []string{"token_url: ", "use https", "at Caddyfile:5"}},
		"a malformed URL":          {provider("client_id x", "dropbox", "authorize_url https://exa mple"), []string{"authorize_url: ", "at Caddyfile:5"}},
		"a URL nobody knows":       {provider("client_id x", "generic", ""), []string{"token_url: it is missing", "authorize_url: it is missing", "at Caddyfile:3"}},
		"a host's bad URL":         {provider("client_id x", "dropbox", "host x http://example.com"), []string{"host: x: ", "use https", "at Caddyfile:5"}},
		"a host without a URL":     {provider("client_id x", "dropbox", "host x"), []string{"host: write: host <name> <url> [<paths...>], at Caddyfile:5"}},
		"a host again":             {provider("client_id x", "dropbox", "host x https://a.example\nhost x https://b.example"), []string{`host: "x" is already specified`, "at Caddyfile:6"}},
		"a host's unknown setting": {provider("client_id x", "dropbox", "host git https://g.example {\nheader a b\n}"), []string{`unknown setting "header" of a host`, "at Caddyfile:6"}},
		"a host's inject twice":    {provider("client_id x", "dropbox", "host git https://g.example {\ninject basic a\ninject basic b\n}"), []string{"inject is already specified", "at Caddyfile:7"}},
		"a host's inject by half":  {provider("client_id x", "dropbox", "host git https://g.example {\ninject basic\n}"), []string{"inject: write: inject <header>", "inject basic <user>", "at Caddyfile:6"}},
		"a host's bad inject":      {provider("client_id x", "dropbox", "host git https://g.example {\ninject basic a:b\n}"), []string{"host: git: inject: basic", "without a colon", "at Caddyfile:5"}},
		"an inject with a block":   {provider("client_id x", "dropbox", "inject basic a {\nb\n}"), []string{"inject takes no block", "at Caddyfile:"}},
		"no request header":        {provider("client_id x", "dropbox", "request_header"), []string{"request_header: it takes one or more values", "at Caddyfile:5"}},
		"all request headers":      {provider("client_id x", "dropbox", "request_header *"), []string{"request_header: *: ", "X-Acme-*", "at Caddyfile:5"}},
		"credentials that pass":    {provider("client_id x", "dropbox", "request_header X-Ok\nrequest_header authorization"), []string{"request_header: authorization: ", "never passed on", "at Caddyfile:6"}},
		"CORS of the API":          {provider("client_id x", "dropbox", "response_header Access-Control-Max-Age"), []string{"response_header: ", "use allow origin", "at Caddyfile:5"}},
		"a method in lower case":   {provider("client_id x", "dropbox", "methods propfind"), []string{"methods: ", "capital letters", "at Caddyfile:5"}},
		"an injection of nothing":  {provider("client_id x", "dropbox", `inject Authorization "Bearer x"`), []string{"inject: ", "{token}", "at Caddyfile:5"}},
		"an injection's value without quotes": {
			provider("client_id x", "dropbox", `inject Authorization Bearer {token}`), []string{"inject: write: inject <header>", "in quotes", "at Caddyfile:5"},
		},
		"a parameter without a value": {provider("client_id x", "dropbox", "token_param x"), []string{"token_param: it takes a name and a value, and has 1, at Caddyfile:5"}},
		"a parameter again":           {provider("client_id x", "dropbox", "token_param x y\ntoken_param x z"), []string{`token_param: "x" is already specified, at Caddyfile:6`}},
		"an unknown refresh":          {provider("client_id x", "dropbox", "refresh lazily"), []string{`refresh: unknown refresh mode "lazily"; use eager`, "at Caddyfile:5"}},
		"keep_alive without a period": {provider("client_id x", "dropbox", "refresh keep_alive"), []string{"refresh: refresh keep_alive needs a period", "at Caddyfile:5"}},
		"keep_alive with zero":        {provider("client_id x", "dropbox", "refresh keep_alive 0s"), []string{"refresh: 0s is not longer than none", "at Caddyfile:5"}},
		"a zero duration":             {provider("client_id x", "dropbox", "lead 0s"), []string{"lead: 0s is not longer than none", "at Caddyfile:5"}},
		"a negative duration":         {provider("client_id x", "dropbox", "assume_ttl -1h"), []string{"assume_ttl: -1h0m0s is not longer than none", "at Caddyfile:5"}},
		"no duration":                 {provider("client_id x", "dropbox", "min_refresh_interval soon"), []string{`min_refresh_interval: "soon" is not a duration`, "at Caddyfile:5"}},
		"a negative count":            {provider("client_id x", "dropbox", "max_concurrent -1"), []string{"max_concurrent: it takes one number greater than 0, at Caddyfile:5"}},
		"private with a value":        {provider("client_id x", "dropbox", "private yes"), []string{"private: it takes no value", "at Caddyfile:5"}},
		"a rate that is no number":    {provider("client_id x", "dropbox", "max_per_second NaN"), []string{"max_per_second: it takes one number greater than 0", "at Caddyfile:5"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := testcaddy.Adapt("{\n" + tt.block + "\n}\n")
			testcaddy.WantError(t, err, tt.want...)
		})
	}
}

// provider returns a block whose provider is in line 3 and has the settings.
func provider(first, preset, settings string) string {
	return "token_store {\nprovider a " + preset + " {\n" + strings.TrimPrefix(first+"\n", "\n") + settings + "\n}\n}"
}

func TestAllProblemsOfACaddyfileAreToldAtOnce(t *testing.T) {
	_, err := testcaddy.Adapt(`{
	token_store {
		storage
		provider a dropbox {
			client_id x
			token_url http://example.com/
			lead never
			what is this {
				it knows not
			}
		}
		encryption_key x
		provider b nope
	}
}`)
	var got []string
	for line := range strings.Lines(err.Error()) {
		_, place, _ := strings.Cut(line, ", at Caddyfile:")
		got = append(got, strings.TrimSpace(place))
	}
	// Provider b lacks a preset, a client id and, since nobody knows any, two URLs.
	want := []string{"3", "7", "8", "6", "12", "13", "13", "13", "13"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s\n%v", diff, err)
	}
}

func TestPlaceholdersAreNotJudgedBeforeTheyAreKnown(t *testing.T) {
	for _, settings := range []string{
		"client_id {env.NOT_SET_HERE}",
		"client_id x\nclient_secret {file./not/there}",
		"client_id x\ntoken_url https://{env.NOT_SET_HERE}.example/token",
		"client_id x\ntoken_url {env.NOT_SET_HERE}",
		"client_id x\nscopes {env.NOT_SET_HERE} b",
		"client_id x\nhost api {env.NOT_SET_HERE}",
		"client_id x\nauthorize_param tenant {env.NOT_SET_HERE}",
		"grant client_credentials\nclient_id x\nclient_secret {env.NOT_SET_HERE}",
	} {
		t.Run(settings, func(t *testing.T) {
			if _, err := testcaddy.Adapt("{\n" + provider("", "dropbox", settings) + "\n}\n"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASecretIsNotInACaddyfilesError(t *testing.T) {
	const secret = "c4n4ry"
	for _, block := range []string{
		"token_store {\nencryption_key " + secret + "\n}",
		provider("", "nope", "client_secret "+secret),
		provider("client_secret "+secret, "dropbox", "client_secret "+secret),
		provider("", "dropbox", "token_param client_assertion "+secret+" x"),
	} {
		_, err := testcaddy.Adapt("{\n" + block + "\n}\n")
		testcaddy.WantError(t, err, "at Caddyfile:")
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q tells the secret", err)
		}
	}
}
