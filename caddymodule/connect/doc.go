// Package connect has the directive token_connect, the pages where a person gives the consent that a
// connection needs.
package connect
