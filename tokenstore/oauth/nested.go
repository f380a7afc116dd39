package oauth

// nestedGrant returns the grant that stands one level below the top, as in {"data":{"access_token":…,"refresh_token":…}},
// nil unless there is exactly one. It is no success, since nobody says whose it is; but the refresh token that was
// sent may have been replaced by the one in it. Only beside an access token it counts: a refresh token alone may be an echo of
// the request.
func nestedGrant(ms []member) *Answer {
	var found *Answer
	for _, m := range ms {
		if len(m.value) == 0 || m.value[0] != '{' {
			continue
		}
		f := gather(jsonMembers(m.value))
		var rd reading
		a := Answer{AccessToken: rd.token(f["access_token"]), RefreshToken: rd.token(f["refresh_token"])}
		switch {
		case rd.suspect || a.AccessToken.IsZero() || a.RefreshToken.IsZero():
		case found != nil:
			return nil
		default:
			found = &a
		}
	}
	return found
}
