package corpus

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func TestMain(m *testing.M) { testcaddy.VerifyTestMain(m) }
