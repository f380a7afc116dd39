// Package durability tests that no grant is lost, whatever happens to the process and to its
// disk: the power is cut, the process is killed, the disk is full or breaks. Each test prints how
// often it did that.
//
// The program that it happens to is ./writer, on a disk of package powercut, which needs root and
// FUSE. It is killed on a real file system too, by strace. With the flag -soak, everything is done many times more often.
package durability
