package oauth

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// CheckURL reports whether secrets may be sent to raw: it must be absolute, with
// https, or with http to this machine itself (localhost, 127.0.0.0/8, ::1), and
// without user information or a fragment. The error says what to write instead,
// and never quotes raw.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("the URL is empty: write an absolute https URL")
	case err != nil:
		return errors.New("the URL cannot be parsed: write an absolute https URL, with special characters percent-encoded")
	case u.Scheme == "" || u.Opaque != "" || u.Hostname() == "":
		return errors.New("the URL is not absolute: write it with https:// and a host")
	case u.User != nil:
		return errors.New("the URL holds user information: remove what stands before the @, and use client_id and client_secret instead")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return errors.New("the URL has a fragment: remove the # and what follows")
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("the URL would carry secrets in the clear: use https (http is only for localhost, 127.0.0.0/8 and [::1])")
	}
	return errors.New("the URL has another scheme than https: use https")
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.Is4In6() && ip.Zone() == "" && ip.IsLoopback()
}
