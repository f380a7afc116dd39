package tokenstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func (s *Store) newConnection(id ID, p *Provider) *stored {
	return &stored{id: id.clone(), record: record{ClientID: p.endpoint.ClientID, CreatedAt: s.now()}}
}

// loadOrNew returns the record of id to be overwritten: the stored one, damaged
// or not, or a new one.
func (s *Store) loadOrNew(ctx context.Context, id ID, p *Provider) (*stored, error) {
	st, err := s.records.load(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.newConnection(id, p), nil
	case err != nil:
		return nil, err
	case errors.Is(st.damaged, ErrNewerFormat):
		return nil, st.damaged
	case st.unwritable: // before a code is spent
		return nil, st.writable()
	case st.damaged != nil:
		fresh := s.newConnection(id, p)
		fresh.revision, fresh.unreadable, fresh.indexed = st.revision, st.unreadable, st.indexed
		return fresh, nil //nolint:nilerr // err is nil here; the linter loses count in the switch
	}
	return st, nil
}

// withLease runs job as the connection's flight, under its lease.
func (s *Store) withLease(ctx context.Context, id ID, job func(context.Context) error) error {
	if err := id.Validate(); err != nil {
		return err
	}
	err := s.flights.alone(ctx, id, func(ctx context.Context) error {
		lease, err := s.backend.Lease(ctx, connectionKey(id))
		if err != nil {
			return err
		}
		defer lease.Release()
		return job(ctx)
	})
	return s.explain(id, err)
}

// Import stores a grant that was obtained elsewhere, as a new connection or as
// the next generation of an existing one. It is durable when Import returns nil. A connection of
// which only the refresh token is given is refreshed at once by the schedule. It returns an error
// that wraps ErrInvalidID or ErrInvalidImport, or ErrNotFound if there is no such provider.
func (s *Store) Import(ctx context.Context, id ID, in Import) error {
	if err := in.validate(); err != nil {
		return fmt.Errorf("connection %s: %w", id, err)
	}
	return s.withLease(ctx, id, func(ctx context.Context) error {
		p, known := s.Provider(id.Provider)
		if !known {
			return fmt.Errorf("connection %s: provider %q is not configured: %w", id, id.Provider, ErrNotFound)
		}
		st, err := s.loadOrNew(ctx, id, p)
		if err != nil {
			return err
		}
		if err := s.commit(ctx, s.imported(st, p, in)); err != nil {
			return err
		}
		s.publish(st)
		s.observer().Consented(id)
		return nil
	})
}

func (s *Store) imported(st *stored, p *Provider, in Import) *stored {
	// Nothing of the old grant stays: an import replaces it.
	st.Scopes, st.Account = nil, ""
	s.grant(st, p, &oauth.Answer{
		AccessToken: secret.New(in.AccessToken),
		TokenType:   cmp.Or(in.TokenType, "Bearer"), ExpiresAt: in.ExpiresAt,
		Scopes: slices.Clone(in.Scopes), Account: in.Account,
	})
	st.RefreshToken = secret.New(in.RefreshToken)
	st.Policy, st.AskedAt = in.Refresh, s.now()
	st.due = dueAt(st.record, p)
	if in.AccessToken == "" {
		s.refreshFirst(st)
	}
	return st
}

// refreshFirst makes the first refresh of a grant that came without an access token due now, whatever its policy: nothing can be
// handed out before.
func (s *Store) refreshFirst(st *stored) {
	st.ExpiresAt = s.now()
	st.due = st.ExpiresAt
}

// publish makes callers see the record's token, or that it has none.
func (s *Store) publish(st *stored) {
	if t := st.token(st.id); t != nil {
		s.published.set(t, st.revision)
	} else {
		s.published.drop(st.id)
	}
}

// Delete removes the connection, and then asks the server to revoke its
// grant, if the provider is configured and its server can do that; a failure of that is told to
// the observer alone, since the connection is gone by then. It returns an error that wraps
// ErrNotFound if there is no such connection.
func (s *Store) Delete(ctx context.Context, id ID) error {
	return s.withLease(ctx, id, func(ctx context.Context) error {
		st, err := s.records.load(ctx, id)
		if err != nil {
			return err
		}
		if err := s.records.remove(ctx, st); err != nil {
			return err
		}
		s.published.drop(id)
		s.census.remove(id)
		s.observer().Deleted(id)
		// Here, so that the grant is given back even if the caller has left.
		s.revoke(ctx, st)
		return nil
	})
}

// revoke gives the grant of a deleted connection back.
func (s *Store) revoke(ctx context.Context, st *stored) {
	p, known := s.Provider(st.id.Provider)
	if !known || st.damaged != nil || p.endpoint.RevokeURL == "" || st.AccessToken.IsZero() && st.RefreshToken.IsZero() {
		return
	}
	err := s.client.Revoke(ctx, &p.endpoint, oauth.Revocation{AccessToken: st.AccessToken, RefreshToken: st.RefreshToken})
	if err != nil {
		s.observer().Trouble("revoking the grant of "+st.id.String(), err)
	}
}

// Status tells about a connection. It returns an error that wraps ErrNotFound if
// there is none. A record that cannot be read or changed is told as Damaged, and is no error.
func (s *Store) Status(ctx context.Context, id ID) (Status, error) {
	if err := id.Validate(); err != nil {
		return Status{}, err
	}
	st, err := s.records.load(ctx, id)
	if err != nil {
		return Status{}, s.explain(id, err)
	}
	return s.statusOf(st), nil
}

func (s *Store) statusOf(st *stored) Status {
	if st.damaged != nil {
		return Status{ID: st.id, Damaged: true, Unwritable: st.unwritable}
	}
	out := st.status(st.id)
	out.Unsaved = s.records.isUnsaved(st.id)
	out.NextRefresh = st.due
	if p, known := s.Provider(st.id.Provider); known {
		out.Refresh = st.policy(p)
		out.MissingScopes = missing(p.endpoint.Scopes, st.Scopes)
	}
	if st.unwritable {
		out.Damaged, out.Unwritable = true, true
		out.State, out.Reason, out.NextRefresh = "", "", time.Time{}
	}
	return out
}

// missing returns what is in want and not in got; nothing if got is not known.
func missing(want, got []string) []string {
	if got == nil {
		return nil
	}
	var out []string
	for _, w := range want {
		if !slices.Contains(got, w) {
			out = append(out, w)
		}
	}
	return out
}

// List tells about connections in the byte order of their ids: of one
// provider, or of all if provider is empty, behind the id after, at most limit (at least
// 1). next is the after of the next page, empty at the end.
//
// Where damage keeps records of that page from being found, the error wraps storage.ErrDamaged, and list and next are nevertheless those of all
// that were found: each of them is right, but others may be missing. With any other error they are empty.
func (s *Store) List(ctx context.Context, provider, after string, limit int) (list []Status, next string, err error) {
	prefix := ""
	if provider != "" {
		prefix = provider + "/"
	}
	limit = max(1, limit)
	page, err := s.backend.List(ctx, bucketConnections, prefix, after, limit)
	if err != nil {
		err = fmt.Errorf("listing connections: %w", err)
		if !errors.Is(err, storage.ErrDamaged) {
			return nil, "", err
		}
	}
	for _, raw := range page {
		if id, malformed := ParseID(raw.Key.ID); malformed == nil {
			st := s.records.kept(id)
			if st == nil {
				st = s.records.open(id, raw)
			}
			list = append(list, s.statusOf(st))
		}
	}
	if len(page) == limit {
		next = page[limit-1].Key.ID
	}
	return list, next, err
}

// validate returns an error that wraps ErrInvalidImport.
func (in Import) validate() error {
	switch {
	case in.AccessToken == "" && in.RefreshToken == "":
		return fmt.Errorf("%w: it has neither an access token nor a refresh token", ErrInvalidImport)
	case !oauth.ValidToken(in.AccessToken) && in.AccessToken != "":
		return fmt.Errorf("%w: the access token has characters that no token has, or is too long", ErrInvalidImport)
	case !oauth.ValidToken(in.RefreshToken) && in.RefreshToken != "":
		return fmt.Errorf("%w: the refresh token has characters that no token has, or is too long", ErrInvalidImport)
	case !in.ExpiresAt.IsZero() && in.ExpiresAt.Before(time.Unix(0, 0)):
		return fmt.Errorf("%w: expires_at is before 1970", ErrInvalidImport)
	}
	if in.Refresh != nil {
		if err := in.Refresh.validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidImport, err)
		}
	}
	return nil
}
