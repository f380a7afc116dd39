package caddymodule

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Whatever a block says, it is refused, or its JSON means what it says.
func FuzzABlockThatIsAcceptedSurvivesJSON(f *testing.F) {
	f.Add("token_store")
	f.Add("token_store {\nstorage bolt {data_dir}/x\nencryption_key {env.KEY}\nmetrics_connections 5\n}")
	f.Add("token_store {\nprovider a dropbox {\nclient_id x\nscopes a b\nauthorize_param x \"\"\n}\n}")
	f.Add("token_store {\nprovider a {\nclient_id x\nrefresh keep_alive 30d\nhost x https://x.example /a*\ninject A \"b {token}\"\n}\n}")
	f.Add("token_store {\nprovider a dropbox {\nlead 1s {\n}\nmax_per_second 1e9\nnope {\n")
	f.Fuzz(func(t *testing.T, block string) {
		tokens, err := caddyfile.Tokenize([]byte(block), "Caddyfile")
		if err != nil || !utf8.ValidString(block) { // JSON knows UTF-8 only
			return
		}
		var read, back App
		if read.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)) != nil {
			return
		}
		raw, err := json.Marshal(&read)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(&read, &back, cmpopts.IgnoreUnexported(App{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s means something else:\n%s", raw, diff)
		}
	})
}
