// Package admin answers operators over HTTP, on an address of its own: health,
// readiness, metrics, profiles, and the live page. It changes nothing.
//
// Nobody logs in, so it listens on the loopback interface unless it is told
// otherwise. guard.go keeps out what a browser might be tricked into sending.
package admin
