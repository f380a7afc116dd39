// Package grants has token_grants, where a program that has a key gets a grant for a page.
package grants
