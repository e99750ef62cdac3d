// Package media holds what flows through edgecam: captured frames, pictures,
// blocks of PCM, encoded frames, and the pools they come from.
//
// It is a leaf: it imports nothing of the project, does no I/O and starts no
// goroutine. Times are [time.Time] values with a monotonic reading taken at
// capture, so that every stage can subtract them from one another.
//
// Ownership: a buffer with a reference count starts with one reference, owned
// by whoever took it from its pool. Retain before handing it to another owner;
// every owner calls Release once. The last Release gives the memory back.
package media
