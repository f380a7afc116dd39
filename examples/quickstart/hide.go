package main

import "regexp"

// tokenForm is what the stand-in's tokens look like.
var tokenForm = regexp.MustCompile(`(standin-(?:at|rt)-[A-Z2-7]{6})[A-Z2-7]+`)

// hideTokens shortens every token in s to its kind and six characters, which is
// enough to tell one from the next.
func hideTokens(s string) string { return tokenForm.ReplaceAllString(s, "$1…") }
