// Package endpoint has the directive token_endpoint, which returns the access token of a connection.
package endpoint
