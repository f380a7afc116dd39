// Package headers says which headers go on between a client and an API: those that are listed, and no
// others.
//
// Some pass for every API: what HTTP itself, its extensions and widespread conventions define, as long as it
// is about the request or the answer alone. An API adds its own, by their names or by the beginning of their names,
// and so may a route.
//
// What tells who the client is, acts for somebody else or on another thing than was checked, has to be listed by its
// own name; the beginning of a name never covers it. The same holds for what an API says about the origin that
// its answer comes from. A few names cannot be listed at all.
package headers
