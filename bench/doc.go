// Package bench loads a server with virtual clients and measures it.
//
// A virtual client is a full client of the protocol: it registers, exchanges
// keys, encrypts, sends and judges what comes back, through package client. A
// [Plan] says what is done: a model (closed: so many clients at once; open: so
// many arrivals a second), stages, and a mix of scenarios. [Run] does it and
// returns a [Result]. Presenting is the work of package bench/report; nothing
// here knows flags or writes to a terminal.
//
// A session begins when its client connects and ends when the scenario is done.
// In the open model its latency counts from when it was due, so that a server
// that stalls is charged for the arrivals it kept waiting (the corrected
// figure); the time from the real start is kept beside it (the uncorrected one,
// which hides them: coordinated omission, Gil Tene 2013).
package bench
