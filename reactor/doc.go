// Package reactor moves bytes between connections and sessions. It accepts
// connections, reads them on gnet's event loops, frames them with the codec,
// and hands requests and content to a pool of workers, one worker at a time for
// each connection and in the order of the bytes. It bounds memory, time and the
// number of everything. It does not know what a request means: that is the
// session's, which it meets through the [Session] interface.
//
// The way of the bytes through the files: acceptor.go, loop.go, receive.go,
// queue.go, pool.go, bulk.go, answer.go. Beside it: memory.go, interest.go (not reading),
// wheel.go and deadlines.go (time).
package reactor
