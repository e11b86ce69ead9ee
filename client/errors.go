package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealquay/sealquay/codec"
)

// A Problem is a kind of failure. It is found in an error by [errors.Is].
type Problem struct{ text, hint string }

// Error says what went wrong, without the circumstances.
func (p *Problem) Error() string { return p.text }

// Hint says what a person can do about it.
func (p *Problem) Hint() string { return p.hint }

// The problems. The methods of [Session] say after which of them it can go on.
var (
	ErrUnreachable = &Problem{"the server cannot be reached",
		"Check the address on line 1 of transfer.info, or --server, and that the server runs there."}
	ErrConnection = &Problem{"the connection broke",
		"Nothing that was acknowledged is lost. Send the rest again; if it breaks again, the server's log says why."}
	ErrTimeout = &Problem{"the server did not answer in time",
		"The server is overloaded or does not speak this protocol. Send again later."}
	ErrRefused = &Problem{"the server refused the request",
		"The protocol has one answer for every refusal; the server's log says the reason."}
	ErrNameTaken = &Problem{"the name is registered already",
		"Choose another name, or put back the me.info that this name was registered with: it holds the id."}
	ErrChecksum = &Problem{"the CRC of what the server received was wrong every time",
		"The content was damaged on its way, or the server computes another checksum. The server has dropped the file. Send it again."}
	ErrTooLarge = &Problem{"the file is too large for the protocol",
		fmt.Sprintf("A file may have %d bytes, 4 GiB - 289, at most. Split it.", int64(codec.MaxPlainSize))}
	ErrName = &Problem{"the name cannot be sent",
		"A name has 1 to 254 bytes of UTF-8 without control characters. Rename it."}
	ErrFile = &Problem{"the file cannot be read",
		"Only regular files that this user may read can be sent."}
	ErrFileChanged = &Problem{"the file changed while it was read",
		"Send it again when no program writes to it."}
	ErrProtocol = &Problem{"the server does not keep to the protocol",
		"Check that the address is that of a server for this protocol."}
	ErrSettings = &Problem{"the settings are incomplete or wrong",
		"transfer.info has three lines: IP:port, name, path of the file. --server, --name and FILE stand in for them."}
	ErrUntrusted = &Problem{"the server's certificate is not trusted",
		"Name the CA, or the server's own certificate, by --ca FILE; or trust its key from the first meeting on by --tofu."}
	ErrServerChanged = &Problem{"the server's key is not the one that is known: somebody may sit in between",
		"Nothing was sent. If the server has a new key, compare key_fingerprint in its log (event tls.certificate) with the one above, and only then remove its line from known_hosts."}
	ErrTLS = &Problem{"no TLS could be agreed upon",
		"Check that the port is the one for TLS (tls.port). If the server asks for a certificate, give yours by --certificate and --key."}
	ErrNoTLS = &Problem{"the server does not speak TLS at this port",
		"Leave out --tls, --ca and --tofu, or give the port for TLS: tls.port in the server's configuration."}
	ErrWantsTLS = &Problem{"the server speaks TLS at this port",
		"Try --tls, with --ca FILE or --tofu if its certificate is its own; or give the port without TLS."}
	ErrNotKeyed = &Problem{"no AES key is agreed upon",
		"Call ExchangeKey first; it is needed again after ErrChecksum."}
	ErrNotSent = &Problem{"not sent: the conversation ended before",
		"Send it again when the first error is mended."}
)

// An Error is a failure with its circumstances.
type Error struct {
	Problem *Problem
	Request codec.Code // the request that was under way, or 0
	Detail  string     // may be empty
	Cause   error      // may be nil
}

// Error says what was under way, what went wrong and why, in one line.
func (e *Error) Error() string {
	var parts []string
	if e.Request != 0 {
		parts = append(parts, fmt.Sprintf("request %d (%v)", uint16(e.Request), e.Request))
	}
	parts = append(parts, e.Problem.text)
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the problem and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Problem}
	}
	return []error{e.Problem, e.Cause}
}

// Hint says what a person can do about err, or nothing if it is none of this
// package's problems.
func Hint(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.hint
	}
	return ""
}
