package tokenstore

// NewProvider validates c and fills in what its preset says. All problems are
// returned at once, as *ConfigError values joined by errors.Join.
func NewProvider(c ProviderConfig) (*Provider, error) { return nil, errAPI }

// HostFor picks the host for a request path (the escaped path behind the
// route's prefix, beginning with a slash): the one whose name is the first segment,
// and then rest is the path without it; else the one whose paths match; else the first one.
func (p *Provider) HostFor(path string) (h Host, rest string) { return Host{}, path }

// Allowed reports whether the token may be sent to scheme://host:port and the path below it.
func (p *Provider) Allowed(scheme, hostport, path string) bool { return false }
