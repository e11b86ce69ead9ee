package admin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A guard lets through what an operator or a tool asks for on purpose. Whoever
// can reach the address may look; but a browser also reaches it on behalf of
// pages from elsewhere. A page whose name its owner makes resolve to this address
// (DNS rebinding) sends that name as Host; a page that embeds one of ours says so
// in Sec-Fetch-Site (W3C Fetch Metadata).
type guard struct {
	listen netip.Addr // unspecified: every address
	hosts  []string   // in lower case
	next   http.Handler
}

func newGuard(c Config, next http.Handler) *guard {
	g := &guard{listen: c.Address.Addr(), next: next}
	for _, h := range c.Hosts {
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the page has its own
	switch {
	case !g.isOurs(r.Host):
		http.Error(w, "This address does not answer to that name: use localhost or the address itself, or add the name to admin.hosts.", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD: nothing can be changed here.", http.StatusMethodNotAllowed)
	case r.ContentLength != 0:
		h.Set("Connection", "close") // and the body stays unread
		http.Error(w, "A request here has no body.", http.StatusBadRequest)
	case !fromHere(r):
		http.Error(w, "Another site's page asked for this.", http.StatusForbidden)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// isOurs reports whether the name in Host is one that nobody else can make
// resolve to this address: an address, localhost, or one that is configured.
func (g *guard) isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return g.listen.IsUnspecified() || a.IsLoopback() || a == g.listen.Unmap()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(g.hosts, host)
}

// fromHere reports whether no page from elsewhere is behind the request. To
// follow a link to the page is fine.
func fromHere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
