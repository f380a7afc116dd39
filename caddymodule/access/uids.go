package access

import (
	"errors"
	"fmt"
	"net/http"
	"os/user"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/peer"
)

// uids are the users of this machine whose processes a route is for, each with the name that it was given.
type uids map[uint32]string

// overflowUID is what the kernel says of users that have no number in our user namespace, such as those of other
// containers: it is nobody in particular.
const overflowUID = 65534

// newUIDs looks the users up that are written by name.
func newUIDs(written []string) (uids, error) {
	known, err := names("allow local uid", written)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	if !peer.Supported {
		return nil, errors.New("allow local uid: this system does not tell who is at the other end of a unix socket, as Linux, macOS and FreeBSD do; use allow key")
	}
	found := make(uids, len(known))
	var problems []error
	for _, name := range known {
		uid, err := lookUp(name)
		switch earlier, twice := found[uid]; {
		case err != nil:
			problems = append(problems, fmt.Errorf("allow local uid: %w", err))
		case twice:
			problems = append(problems, fmt.Errorf("allow local uid: %s and %s are one user; write one of them", earlier, name))
		case uid == overflowUID:
			problems = append(problems, fmt.Errorf("allow local uid: %s (%d) also stands for every user of another container; use a user of your own", name, uid))
		default:
			found[uid] = name
		}
	}
	return found, errors.Join(problems...)
}

// lookUp returns the id of a user that is given by id or by name.
func lookUp(name string) (uint32, error) {
	number := name
	if _, err := strconv.ParseUint(name, 10, 64); err != nil {
		u, err := user.Lookup(name)
		if err != nil {
			return 0, fmt.Errorf("this machine has no user %q", name)
		}
		number = u.Uid
	}
	uid, err := strconv.ParseUint(number, 10, 32)
	if err != nil || uid == 1<<32-1 { // which stands for no user at all
		return 0, fmt.Errorf("%s is no user id", number)
	}
	return uint32(uid), nil
}

// of returns the name of the user whose process sent r, if it is one of these.
func (u uids) of(r *http.Request) (name string, ok bool) {
	if len(u) == 0 {
		return "", false
	}
	uid, ok := peer.UID(r.Context())
	if !ok {
		return "", false
	}
	name, ok = u[uid]
	return name, ok
}

// watch makes the server of the handler that is being provisioned with ctx note whose processes connect to it.
func (u uids) watch(ctx caddy.Context) error {
	if len(u) == 0 {
		return nil
	}
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return nil
	}
	if !listensOnSocket(server.Listen) {
		return errors.New("allow local uid: only a unix socket tells the user of a process, and this site has none; add one, such as bind unix//run/tokens.sock|0222")
	}
	peer.Watch(server)
	return nil
}

// listensOnSocket reports whether one of the addresses is a unix socket, or may be.
func listensOnSocket(listen []string) bool {
	for _, l := range listen {
		if addr, err := caddy.ParseNetworkAddress(l); err == nil && (addr.IsUnixNetwork() || addr.IsFdNetwork()) {
			return true
		}
	}
	return false
}
