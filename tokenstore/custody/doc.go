// Package custody is what an operator does with the bbolt database of a token store besides running it: keep
// a backup, restore one, change the key that it is sealed with, and save what can be saved of a
// damaged one.
//
// Nothing here needs a running store, and all but [Save] refuses to touch a database that one has open. A
// file that is written appears under its name complete and durable, with mode 0600, or not at all; none
// that is there is overwritten, unless the caller says so, and then it is kept under another name.
package custody
