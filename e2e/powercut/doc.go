// Package powercut is a disk whose power can be cut at any moment, and which can
// be told to fail.
//
// A [Disk] is a file system in memory, with one directory, that a process uses through FUSE. It
// keeps a [Log] of all changes. Going through the log (see [State]) tells at each point what is sure to be on
// a disk: what was synced. What was not yet synced may be there or not, in
// pieces of 512 bytes; so one point has many images, of which [State.Cut] makes one at random.
//
// The rules are those of POSIX and no more. A file's content is durable after
// fsync or fdatasync of the file, and its name after fsync of the
// directory. Unsynced changes survive in any selection, though in their order.
// Only a sector and the change of a name are atomic. Real file
// systems are kinder.
//
// What the process writes to the file [Notes] is no change of the disk, but an entry
// of the log: "from here on, this was promised". It takes its place between
// the changes exactly, since the process is held up by each of them.
//
// The process that uses the disk must not be the one that serves it: a page fault in
// a mapped file would stop the goroutines that were to bring the page.
package powercut
