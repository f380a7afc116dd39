package forward_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/forward"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// adaptSite returns the handlers that a site's directives become.
func adaptSite(t *testing.T, directives string) (handlers []any, err error) {
	t.Helper()
	raw, err := testcaddy.Adapt("http://localhost:8080 {\n" + directives + "\n}")
	if err != nil {
		return nil, err
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes []struct {
						Handle []struct {
							Routes []struct {
								Match  []any `json:"match"`
								Handle []any `json:"handle"`
							} `json:"routes"`
						} `json:"handle"`
					} `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	for _, route := range config.Apps.HTTP.Servers["srv0"].Routes[0].Handle[0].Routes {
		if route.Match != nil {
			handlers = append(handlers, map[string]any{"match": route.Match})
		}
		handlers = append(handlers, route.Handle...)
	}
	return handlers, nil
}

func TestTokenProxyIsAGuardAndWhatForwards(t *testing.T) {
	const (
		guard    = `{"handler":"token_guard","connection":"demo/one","forward":true}`
		upstream = `"upstreams":[{"dial":"{http.vars.token_store.upstream.demo}"}]`
	)
	for _, tc := range []struct{ name, directive, want string }{
		{
			"nothing but a connection", "token_proxy demo/one",
			guard + `,{"handler":"token_forward"}`,
		},
		{
			"an empty block", "token_proxy demo/one {\n}",
			guard + `,{"handler":"token_forward"}`,
		},
		{
			"a matcher", "token_proxy /api/* demo/one",
			`{"match":[{"path":["/api/*"]}]},` + guard + `,{"handler":"token_forward"}`,
		},
		{
			"a connection for each user", "token_proxy demo/{http.auth.user.id}",
			`{"handler":"token_guard","connection":"demo/{http.auth.user.id}","forward":true},{"handler":"token_forward"}`,
		},
		{
			"a connection for each user, and something that only reverse_proxy can do", "token_proxy demo/{http.auth.user.id} {\nflush_interval -1\n}",
			`{"handler":"token_guard","connection":"demo/{http.auth.user.id}","forward":true},{"handler":"reverse_proxy","flush_interval":-1,"transport":{"protocol":"token_store","provider":"demo"},` + upstream + `}`,
		},
		{
			"settings of the transport alone", "token_proxy demo/one {\nreplay_buffer 1KiB\npass_header Cookie\ntransport http {\ndial_timeout 1s\n}\n}",
			`{"handler":"token_guard","connection":"demo/one","forward":true,"pass_headers":["Cookie"]},{"handler":"token_forward","transport":{"protocol":"token_store","replay_buffer":1024,"dial_timeout":1000000000}}`,
		},
		{
			"WebSockets", "token_proxy demo/one {\nwebsocket\n}",
			`{"handler":"token_guard","connection":"demo/one","forward":true,"websocket":true},{"handler":"token_forward","websocket":true}`,
		},
		{
			"WebSockets, and something that only reverse_proxy can do", "token_proxy demo/one {\nwebsocket\nstream_timeout 1h\n}",
			`{"handler":"token_guard","connection":"demo/one","forward":true,"websocket":true},{"handler":"reverse_proxy","stream_timeout":3600000000000,"transport":{"protocol":"token_store","connection":"demo/one"},` + upstream + `}`,
		},
		{
			"a header that only reverse_proxy makes", "token_proxy demo/one {\npass_header x-forwarded-for\n}",
			`{"handler":"token_guard","connection":"demo/one","forward":true,"pass_headers":["x-forwarded-for"]},{"handler":"reverse_proxy","transport":{"protocol":"token_store","connection":"demo/one"},` + upstream + `}`,
		},
		{
			"an https upstream", "token_proxy demo/one https://api.example.com",
			guard + `,{"handler":"reverse_proxy","transport":{"protocol":"token_store","connection":"demo/one","tls":{}},"upstreams":[{"dial":"api.example.com:443"}]}`,
		},
		{
			"settings of all three", `token_proxy demo/one {
				replay_buffer 1KiB
				allow origin https://app.example.com
				flush_interval -1
				pass_header Cookie X-Forwarded-For
				on_error pass
				transport http {
					dial_timeout 1s
					keepalive_idle_conns_per_host 7
				}
				allow local
				header_up X-A b
				header_up Host {upstream_hostport}
				header_up Origin https://app.example.com
				header_up {vars.name} x
				header_up +X-Added x
				pass_header Origin
				pass_response_header X-Acme-*
				methods GET PROPFIND
			}`,
			`{"handler":"token_guard","connection":"demo/one","forward":true,"on_error":"pass","allow":{"local":true,"origins":["https://app.example.com"]},
			"methods":["GET","PROPFIND"],"pass_headers":["Cookie","X-Forwarded-For","Origin","X-A"],"pass_response_headers":["X-Acme-*"]},
			{"handler":"reverse_proxy","flush_interval":-1,"headers":{"request":{"add":{"X-Added":["x"]},"set":{"X-A":["b"],"Host":["{http.reverse_proxy.upstream.hostport}"],"Origin":["https://app.example.com"],"{http.vars.name}":["x"]}}},"transport":{"protocol":"token_store","connection":"demo/one",
			"replay_buffer":1024,"dial_timeout":1000000000,"keep_alive":{"max_idle_conns_per_host":7}},` + upstream + `}`,
		},
		{
			"what is done to answers, and WebSockets", "token_proxy demo/one {\nwebsocket\nscrub_body\nrewrite_redirects\npass_trailer grpc-status\npass_trailer grpc-message x-checksum\n}",
			`{"handler":"token_guard","connection":"demo/one","forward":true,"websocket":true},{"handler":"token_forward","websocket":true,"transport":{"protocol":"token_store",
			"scrub_body":true,"rewrite_redirects":true,"pass_trailers":["grpc-status","grpc-message","x-checksum"]}}`,
		},
		{
			"a transport of our own", "token_proxy demo/one {\ntransport token_store {\nreplay_buffer 0\nread_buffer 8KiB\n}\n}",
			guard + `,{"handler":"token_forward","transport":{"protocol":"token_store","replay_buffer":0,"read_buffer_size":8192}}`,
		},
		{
			"a transport of our own, with what token_proxy knows better", "token_proxy demo/one {\nflush_interval -1\ntransport token_store {\nconnection other/one\nprovider other\n}\n}",
			guard + `,{"handler":"reverse_proxy","flush_interval":-1,"transport":{"protocol":"token_store","connection":"demo/one"},` + upstream + `}`,
		},
		{
			"dynamic upstreams", "token_proxy demo/one {\ndynamic a api.example.com 443\n}",
			guard + `,{"handler":"reverse_proxy","transport":{"protocol":"token_store","connection":"demo/one"},"dynamic_upstreams":{"source":"a","name":"api.example.com","port":"443"}}`,
		},
		{
			"sub-directives in blocks that have names of ours", "token_proxy demo/one {\n@ok status 200\nhandle_response @ok {\nheader allow local\n}\n}",
			guard + `,{"handler":"reverse_proxy","handle_response":[{"match":{"status_code":[200]},"routes":[{"handle":[{"handler":"headers","response":{"set":{"Allow":["local"]}}}]}]}],"transport":{"protocol":"token_store","connection":"demo/one"},` + upstream + `}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := adaptSite(t, tc.directive)
			if err != nil {
				t.Fatal(err)
			}
			var want []any
			if err := json.Unmarshal([]byte("["+tc.want+"]"), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("handlers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenProxyTellsWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		name, directive string
		parts           []string
	}{
		{"no connection", "token_proxy", []string{"Caddyfile:2", "connection", "dropbox-demo/auth"}},
		{"no connection's name", "token_proxy demo", []string{"Caddyfile:2", "no slash"}},
		{"a provider made of the request", "token_proxy {http.request.host}/one", []string{"Caddyfile:2", "write the provider out"}},
		{"a provider's name that is none", "token_proxy Demo/{http.request.host}", []string{"Caddyfile:2", "provider name"}},
		{"an unknown sub-directive", "token_proxy demo/one {\nlb_retries 1\nreplay 1\n}", []string{"Caddyfile:4", "unrecognized", "replay"}},
		{"forward, which it always does", "token_proxy demo/one {\nforward\n}", []string{"Caddyfile:3", "unrecognized", "forward"}},
		{"a size that is none", "token_proxy demo/one {\nreplay_buffer lots\n}", []string{"Caddyfile:3", "replay_buffer", "lots"}},
		{"a size out of all bounds", "token_proxy demo/one {\nreplay_buffer 1GiB\n}", []string{"Caddyfile:3", "16MiB"}},
		{"a size twice", "token_proxy demo/one {\nreplay_buffer 1\nreplay_buffer 1\n}", []string{"Caddyfile:4", "already"}},
		{"credentials passed on", "token_proxy demo/one {\npass_header Cookie authorization\n}", []string{"Caddyfile:3", "pass_header", "authorization", "never"}},
		{"no header", "token_proxy demo/one {\npass_header\n}", []string{"Caddyfile:3", "pass_header"}},
		{"all headers", "token_proxy demo/one {\npass_header *\n}", []string{"Caddyfile:3", "pass_header", "X-Acme-*"}},
		{"CORS of the API's", "token_proxy demo/one {\npass_response_header Access-Control-Allow-Origin\n}", []string{"Caddyfile:3", "pass_response_header", "allow origin"}},
		{"a tunnel", "token_proxy demo/one {\nmethods GET CONNECT\n}", []string{"Caddyfile:3", "methods", "CONNECT", "never"}},
		{"a method in lower case", "token_proxy demo/one {\nmethods get\n}", []string{"Caddyfile:3", "methods", "capital letters"}},
		{"a switch with a value", "token_proxy demo/one {\nscrub_body off\n}", []string{"Caddyfile:3", "scrub_body", "leave the line out"}},
		{"a switch twice", "token_proxy demo/one {\nwebsocket\nwebsocket\n}", []string{"Caddyfile:4", "websocket", "already"}},
		{"no trailer", "token_proxy demo/one {\npass_trailer\n}", []string{"Caddyfile:3", "argument"}},
		{"a trailer that is no name", "token_proxy demo/one {\npass_trailer grpc:status\n}", []string{"Caddyfile:3", "grpc:status", "grpc-status"}},
		{"another protocol", "token_proxy demo/one {\ntransport fastcgi\n}", []string{"fastcgi", "transport http"}},
		{"an http upstream with TLS", "token_proxy demo/one http://api.example.com {\ntransport http {\ntls\n}\n}", []string{"HTTP"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := adaptSite(t, tc.directive)
			testcaddy.WantError(t, err, tc.parts...)
		})
	}
}

// loadTransport provisions a transport beside a token_store.
func loadTransport(t *testing.T, settings string) (transport *forward.Transport, err error) {
	t.Helper()
	s := testcaddy.New(t)
	raw := s.Adapt("provider demo generic {\nclient_id id\nclient_secret s\nauthorize_url https://as.example.com/a\ntoken_url https://as.example.com/t\nhost api https://api.example.com\n}", "")
	testcaddy.Probe(t, raw, func(ctx caddy.Context) {
		var module any
		module, err = ctx.LoadModuleByID("http.reverse_proxy.transport.token_store", json.RawMessage(settings))
		transport, _ = module.(*forward.Transport)
	})
	return transport, err
}

func TestTransportDefaults(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	transport, err := loadTransport(t, `{"connection":"demo/one"}`)
	if err != nil {
		t.Fatal(err)
	}
	if transport.HTTPTransport.Transport.Proxy != nil {
		t.Error("the environment may choose a proxy")
	}
	if n := transport.HTTPTransport.Transport.MaxIdleConnsPerHost; n != forward.IdleConnsPerHost {
		t.Errorf("%d idle connections per host", n)
	}
	if transport.Replay() != forward.DefaultReplayBuffer || !transport.TLSEnabled() {
		t.Errorf("replay buffer %d, TLS %t", transport.Replay(), transport.TLSEnabled())
	}
}

func TestTransportKeepsWhatIsSet(t *testing.T) {
	transport, err := loadTransport(t, `{"replay_buffer":0,"keep_alive":{"max_idle_conns_per_host":7},"network_proxy":{"from":"url","url":"http://127.0.0.1:1"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if transport.HTTPTransport.Transport.Proxy == nil || transport.HTTPTransport.Transport.MaxIdleConnsPerHost != 7 || transport.Replay() != 0 {
		t.Errorf("%+v", transport)
	}
}

func TestTransportRefusesUnsafeSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		settings string
		parts    []string
	}{
		"certificates that nobody checks": {`{"tls":{"insecure_skip_verify":true}}`, []string{"insecure_skip_verify", "tls_trust_pool"}},
		"the PROXY protocol":              {`{"proxy_protocol":"v2"}`, []string{"proxy_protocol"}},
		"HTTP/3":                          {`{"versions":["3"]}`, []string{"versions 3"}},
		"a server name of the client's":   {`{"tls":{"server_name":"{http.request.host}"}}`, []string{"server_name"}},
		"a local address of another kind": {`{"local_address":"unix//tmp/x"}`, []string{"local_address"}},
		"trailers that are credentials":   {`{"pass_trailers":["set-cookie"]}`, []string{"pass_trailer set-cookie", "leave it out"}},
		"a huge buffer":                   {`{"replay_buffer":99999999}`, []string{"replay_buffer"}},
		"a negative buffer":               {`{"replay_buffer":-1}`, []string{"replay_buffer"}},
		"a connection with placeholders":  {`{"connection":"demo/{x}"}`, []string{"connection", "placeholders"}},
		"an unknown provider":             {`{"connection":"other/one"}`, []string{"other"}},
		"an unknown field":                {`{"conection":"demo/one"}`, []string{"conection"}},
		"two things at once":              {`{"proxy_protocol":"v2","replay_buffer":-1}`, []string{"proxy_protocol", "replay_buffer"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadTransport(t, tc.settings)
			testcaddy.WantError(t, err, tc.parts...)
		})
	}
}

func TestTransportNeedsATokenStore(t *testing.T) {
	raw, err := testcaddy.Adapt("{\nadmin off\n}\nhttp://localhost:8080 {\nreverse_proxy localhost:9000 {\ntransport token_store\n}\n}")
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	testcaddy.WantError(t, caddy.Validate(&config), "there is no token_store", "global options")
}
