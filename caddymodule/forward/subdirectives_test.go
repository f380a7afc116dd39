package forward_test

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// subDirective is one way to write a sub-directive. In line, ADDRESS and PORT stand for those of the API, CERTIFICATE
// and KEY for files.
type subDirective struct {
	line    string
	refused string // a part of the reason, if token_proxy must not have it
	status  int    // of a request, if it is not 200
}

// subDirectives are all that reverse_proxy has.
var subDirectives = map[string]subDirective{
	"to":                      {line: "to ADDRESS"},
	"dynamic":                 {line: "dynamic a {\nname localhost\nport PORT\nresolvers 127.0.0.1:1\n}"},
	"lb_policy":               {line: "lb_policy round_robin"},
	"lb_retries":              {line: "lb_retries 2"},
	"lb_try_duration":         {line: "lb_try_duration 1s"},
	"lb_try_interval":         {line: "lb_try_interval 10ms"},
	"lb_retry_match":          {line: "lb_retry_match method GET"},
	"health_uri":              {line: "health_uri /health"},
	"health_path":             {line: "health_path /health"},
	"health_upstream":         {line: "health_uri /health\nhealth_upstream ADDRESS"},
	"health_port":             {line: "health_uri /health\nhealth_port PORT"},
	"health_headers":          {line: "health_uri /health\nhealth_headers {\nX-Health check\n}"},
	"health_method":           {line: "health_uri /health\nhealth_method HEAD"},
	"health_request_body":     {line: "health_uri /health\nhealth_request_body ping"},
	"health_interval":         {line: "health_uri /health\nhealth_interval 1m"},
	"health_timeout":          {line: "health_uri /health\nhealth_timeout 1s"},
	"health_status":           {line: "health_uri /health\nhealth_status 2xx"},
	"health_body":             {line: "health_uri /health\nhealth_body fine"},
	"health_follow_redirects": {line: "health_uri /health\nhealth_follow_redirects"},
	"health_passes":           {line: "health_uri /health\nhealth_passes 1"},
	"health_fails":            {line: "health_uri /health\nhealth_fails 2"},
	"max_fails":               {line: "max_fails 3"},
	"fail_duration":           {line: "fail_duration 1s"},
	"unhealthy_request_count": {line: "unhealthy_request_count 100"},
	"unhealthy_status":        {line: "unhealthy_status 503"},
	"unhealthy_latency":       {line: "unhealthy_latency 10s"},
	"flush_interval":          {line: "flush_interval -1"},
	"request_buffers":         {line: "request_buffers 4KiB"},
	"response_buffers":        {line: "response_buffers 4KiB"},
	"stream_buffer_size":      {line: "stream_buffer_size 4KiB"},
	"proxy_status_name":       {line: "proxy_status_name tokens"},
	"stream_timeout":          {line: "stream_timeout 1h"},
	"stream_close_delay":      {line: "stream_close_delay 1s"},
	"trusted_proxies":         {line: "trusted_proxies private_ranges"},
	"header_up":               {line: "header_up X-Extra 1"},
	"header_down":             {line: "header_down X-Extra 1"},
	"method":                  {line: "method GET"},
	"rewrite":                 {line: "rewrite /x"},
	"transport":               {line: "transport http"},
	"handle_response":         {line: "@teapot status 418\nhandle_response @teapot {\nrespond short\n}"},
	"replace_status":          {line: "@teapot status 418\nreplace_status @teapot 200"},
	"verbose_logs":            {line: "verbose_logs"},
}

// transportSettings are those of `transport http`.
var transportSettings = map[string]subDirective{
	"read_buffer":                   {line: "read_buffer 8KiB"},
	"write_buffer":                  {line: "write_buffer 8KiB"},
	"read_timeout":                  {line: "read_timeout 5s"},
	"write_timeout":                 {line: "write_timeout 5s"},
	"max_response_header":           {line: "max_response_header 64KiB"},
	"proxy_protocol":                {line: "proxy_protocol v2", refused: "proxy_protocol: no API takes it, and it hides where a request goes"},
	"forward_proxy_url":             {line: "forward_proxy_url http://127.0.0.1:1", status: 502},
	"network_proxy":                 {line: "network_proxy none"},
	"dial_timeout":                  {line: "dial_timeout 5s"},
	"dial_fallback_delay":           {line: "dial_fallback_delay 100ms"},
	"response_header_timeout":       {line: "response_header_timeout 5s"},
	"expect_continue_timeout":       {line: "expect_continue_timeout 1s"},
	"resolvers":                     {line: "resolvers 127.0.0.1:1"},
	"tls":                           {line: "tls"},
	"tls_client_auth":               {line: "tls_client_auth CERTIFICATE KEY"},
	"tls_insecure_skip_verify":      {line: "tls_insecure_skip_verify", refused: "insecure_skip_verify: whoever sits on the line"},
	"tls_curves":                    {line: "tls_curves x25519"},
	"tls_timeout":                   {line: "tls_timeout 5s"},
	"tls_trusted_ca_certs":          {line: "tls_trusted_ca_certs CERTIFICATE"},
	"tls_server_name":               {line: "tls_server_name api.example.com"},
	"tls_renegotiation":             {line: "tls_renegotiation never"},
	"tls_except_ports":              {line: "tls_except_ports 1"},
	"keepalive":                     {line: "keepalive 1m"},
	"keepalive_interval":            {line: "keepalive_interval 30s"},
	"keepalive_idle_conns":          {line: "keepalive_idle_conns 10"},
	"keepalive_idle_conns_per_host": {line: "keepalive_idle_conns_per_host 10"},
	"versions":                      {line: "versions 1.1 2"},
	"compression":                   {line: "compression off"},
	"max_conns_per_host":            {line: "max_conns_per_host 100"},
	"tls_trust_pool":                {line: "tls_trust_pool file CERTIFICATE"},
	"local_address":                 {line: "local_address 127.0.0.1"},
}

func TestEverySubDirectiveOfReverseProxyWorksOrIsRefused(t *testing.T) {
	dir := t.TempDir()
	a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	_, port, err := net.SplitHostPort(a.address())
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := testCertificate(t, dir)
	fill := strings.NewReplacer("ADDRESS", a.address(), "PORT", port, "CERTIFICATE", certificate, "KEY", key)
	for _, part := range []struct {
		function string // of Caddy's package
		all      map[string]subDirective
		within   string
	}{
		{"Handler", subDirectives, "%s"},
		{"HTTPTransport", transportSettings, "transport http {\n%s\n}"},
	} {
		known := casesOf(t, part.function)
		for _, name := range known {
			if _, ok := part.all[name]; !ok {
				t.Errorf("Caddy has the sub-directive %s now: does it work, or must it be refused?", name)
			}
		}
		for name, d := range part.all {
			t.Run(name, func(t *testing.T) {
				if !slices.Contains(known, name) {
					t.Errorf("Caddy has no such sub-directive")
				}
				block := fmt.Sprintf(part.within, fill.Replace(d.line))
				if d.refused != "" {
					s := testcaddy.New(t)
					err := s.Load("provider demo generic {\nclient_id id\nclient_secret s\nauthorize_url https://a.example/a\ntoken_url https://a.example/t\n"+a.host()+"\n}",
						fmt.Sprintf("http://127.0.0.1:%d {\ntoken_proxy demo/one {\n%s\n}\n}", testcaddy.FreePort(t), block))
					testcaddy.WantError(t, err, d.refused)
					return
				}
				proxyTo(t, a.host(), "", block).wantGet("/x", cmp.Or(d.status, http.StatusOK))
			})
		}
	}
}

// casesOf returns the sub-directives that Caddy's own parser knows: the cases of the switch in UnmarshalCaddyfile.
func casesOf(t *testing.T, receiver string) []string {
	t.Helper()
	pkg, err := build.Import("github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, "caddyfile.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv == nil || f.Name.Name != "UnmarshalCaddyfile" {
			continue
		}
		if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); !ok || star.X.(*ast.Ident).Name != receiver {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sw, ok := n.(*ast.SwitchStmt)
			if !ok || sw.Tag == nil {
				return true
			}
			if call, ok := sw.Tag.(*ast.CallExpr); !ok || call.Fun.(*ast.SelectorExpr).Sel.Name != "Val" {
				return true
			}
			for _, clause := range sw.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					name, err := strconv.Unquote(e.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					names = append(names, name)
				}
			}
			return false // what is within are the arguments
		})
	}
	if len(names) < 20 {
		t.Fatalf("only %d sub-directives were found: %q", len(names), names)
	}
	return names
}

// testCertificate writes a certificate and its key to files.
func testCertificate(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for name, content := range map[string][]byte{
		certificate: pemOf(s.Certificate()),
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
