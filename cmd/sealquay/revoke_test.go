package main

import (
	"slices"
	"testing"
)

// TestRevoke shuts a client out of a server that runs: its AES key, its id, and
// its verdict on what it has sent. It is let in again as it was.
func TestRevoke(t *testing.T) {
	s := startTestServer(t)
	p := dial(t, s)
	who := p.register("anna")
	key := p.exchange(who)
	p.deliver(who, key, "kept", []byte("text"))
	p.upload(who, key, "begun", []byte("text"))

	s.command(t, 0, "clients", "revoke", "anna")
	p.send(verdict(1104, who.id, "begun"))
	p.expect(2101)
	p.send(encryptedFile(who.id, "next", seal(key, []byte("text"))))
	p.expect(2101)
	p.refused(who)
	other := dial(t, s)
	other.refused(who)
	other.register("bob")
	if got := s.log.reasons(t); !slices.Equal(got, []string{"client_revoked", "client_revoked", "client_revoked", "client_revoked"}) {
		t.Errorf("reasons %q", got)
	}
	s.checkStored(t, "anna", "kept", []byte("text"))

	s.command(t, 0, "clients", "restore", "anna")
	p.deliver(who, p.exchange(who), "next", []byte("text"))
	s.command(t, 0, "clients", "revoke", "--remove-files", "anna")
	s.command(t, 1, "clients", "revoke", "nobody")
	s.command(t, 1, "hooks", "retry", "nothing")
	s.command(t, 0, "hooks", "retry")
}
