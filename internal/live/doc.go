// Package live is a page that shows an operator what the server does now. The
// rooms are read once a second, however many look on; each viewer gets the same
// bytes as server-sent events, and one that is slow misses some.
//
// reading.go takes the figures, checked.go and quotas.go what only the storage knows, frame.go makes of them what the page shows, hub.go
// hands it to the viewers, page.go serves the page itself.
package live
