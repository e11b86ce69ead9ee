package logging

import (
	"encoding/hex"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

// ConnID numbers the connection; it is unique as long as the process lives.
func ConnID(id uint64) zap.Field { return zap.Uint64("conn_id", id) }

// RequestID numbers the request within its connection, from 1.
func RequestID(id uint64) zap.Field { return zap.Uint64("request_id", id) }

// ClientIP is the client's address, as the PROXY protocol gives it where it is in use.
func ClientIP(ip netip.Addr) zap.Field { return zap.String("client_ip", ip.String()) }

// ClientPort is the client's port.
func ClientPort(port uint16) zap.Field { return zap.Uint16("client_port", port) }

// ClientID is the client's id as 32 hexadecimal digits.
func ClientID(id [16]byte) zap.Field {
	var digits [32]byte
	hex.Encode(digits[:], id[:])
	return zap.String("client_id", string(digits[:]))
}

// ClientName is the client's name, escaped and cut.
func ClientName(name string) zap.Field { return zap.String("client_name", Untrusted(name)) }

// Op is the request by name, like registration.
func Op(name string) zap.Field { return zap.String("op", name) }

// OpCode is the request by number, like 1100.
func OpCode(code uint16) zap.Field { return zap.Uint16("op_code", code) }

// Status is the response by number, like 2100; 0 when none was sent.
func Status(code uint16) zap.Field { return zap.Uint16("status", code) }

// ReasonField says why something was refused or ended.
func ReasonField(reason Reason) zap.Field { return zap.String("reason", string(reason)) }

// Dialect is the dialect of the protocol that the client speaks.
func Dialect(name string) zap.Field { return zap.String("dialect", name) }

// Checksum is the kind of CRC in use, crc32 or cksum.
func Checksum(kind string) zap.Field { return zap.String("checksum", kind) }

// BytesIn counts the bytes received.
func BytesIn(n int64) zap.Field { return zap.Int64("bytes_in", n) }

// BytesOut counts the bytes sent.
func BytesOut(n int64) zap.Field { return zap.Int64("bytes_out", n) }

// Duration is the time something took or takes, in seconds.
func Duration(d time.Duration) zap.Field { return zap.Duration("duration", d) }

// QueueWait is the time a request waited for a worker, in seconds.
func QueueWait(d time.Duration) zap.Field { return zap.Duration("queue_wait", d) }

// FileName is the file's name, escaped and cut.
func FileName(name string) zap.Field { return zap.String("file_name", Untrusted(name)) }

// FileSize is the size of the decrypted file in bytes.
func FileSize(n int64) zap.Field { return zap.Int64("file_size", n) }

// Requests counts the requests of a connection.
func Requests(n uint64) zap.Field { return zap.Uint64("requests", n) }

// Fingerprint is the SHA-256 of a public key, in hexadecimal digits.
func Fingerprint(sum [32]byte) zap.Field {
	return zap.String("fingerprint", hex.EncodeToString(sum[:]))
}

// OldFingerprint is the SHA-256 of the public key that was replaced.
func OldFingerprint(sum [32]byte) zap.Field {
	return zap.String("old_fingerprint", hex.EncodeToString(sum[:]))
}

// TLS tells whether the connection comes through TLS.
func TLS(yes bool) zap.Field { return zap.Bool("tls", yes) }

// TLSVersion is the version of TLS that was agreed upon.
func TLSVersion(name string) zap.Field { return zap.String("tls_version", name) }

// TLSCipher is the cipher suite that was agreed upon.
func TLSCipher(name string) zap.Field { return zap.String("tls_cipher", name) }

// TLSResumed tells whether an earlier TLS session was taken up again.
func TLSResumed(yes bool) zap.Field { return zap.Bool("tls_resumed", yes) }

// CertificateSubject is the subject of a certificate, escaped and cut.
func CertificateSubject(name string) zap.Field {
	return zap.String("certificate_subject", Untrusted(name))
}

// CertificateFingerprint is the SHA-256 of a certificate, in hexadecimal digits.
func CertificateFingerprint(sum [32]byte) zap.Field {
	return zap.String("certificate_fingerprint", hex.EncodeToString(sum[:]))
}

// KeyFingerprint is the SHA-256 of a certificate's public key (its SubjectPublicKeyInfo), in hexadecimal digits.
func KeyFingerprint(sum [32]byte) zap.Field {
	return zap.String("key_fingerprint", hex.EncodeToString(sum[:]))
}

// ValidUntil is the time up to which a certificate is valid, RFC 3339.
func ValidUntil(t time.Time) zap.Field {
	return zap.String("valid_until", t.UTC().Format(time.RFC3339))
}

// TLSAddr is the address the server listens on with TLS, host:port.
func TLSAddr(addr string) zap.Field { return zap.String("tls_addr", addr) }

// Confined says what the process has given up.
func Confined(what string) zap.Field { return zap.String("confined", what) }

// Addr is the address the server listens on, host:port.
func Addr(addr string) zap.Field { return zap.String("addr", addr) }

// Limit is the configuration key of the limit that was hit or lowered.
func Limit(key string) zap.Field { return zap.String("limit", key) }

// Value is the value that is in force.
func Value(n int64) zap.Field { return zap.Int64("value", n) }

// Wanted is the value that was asked for.
func Wanted(n int64) zap.Field { return zap.Int64("wanted", n) }

// Count counts what the event is about.
func Count(n int64) zap.Field { return zap.Int64("count", n) }

// DroppedEvent is the event whose lines were left out.
func DroppedEvent(e Event) zap.Field { return zap.String("dropped_event", string(e)) }

// MinimumLevel is the least severe level that is written from here on, audited lines apart.
func MinimumLevel(level string) zap.Field { return zap.String("minimum_level", level) }

// Signal is the signal that the process received.
func Signal(name string) zap.Field { return zap.String("signal", name) }

// Version is the version of the program.
func Version(v string) zap.Field { return zap.String("version", v) }

// ProcessID is the process's number.
func ProcessID(pid int) zap.Field { return zap.Int("process_id", pid) }

// Mechanism is the way in which connections are paused.
func Mechanism(name string) zap.Field { return zap.String("mechanism", name) }

// Path is a path on the server, escaped and cut.
func Path(path string) zap.Field { return zap.String("path", Untrusted(path)) }

// Delivery names what a hook is told; it is the same at every attempt.
func Delivery(name string) zap.Field { return zap.String("delivery", name) }

// Hook is the hook that is told: command or url.
func Hook(name string) zap.Field { return zap.String("hook", name) }

// Key is a configuration key or an environment variable.
func Key(key string) zap.Field { return zap.String("key", Untrusted(key)) }

// Found is what stands where something else should, escaped and cut.
func Found(text string) zap.Field { return zap.String("found", escape(text, UntrustedLimit, false)) }

// Detail is text for people, not meant for programs; it is escaped and cut.
func Detail(text string) zap.Field { return zap.String("detail", escape(text, detailLimit, false)) }

// Stack is the stack of the calling goroutine, for the function that recovers from a panic. It names functions and
// lines only: Go's own traces show arguments, which may be parts of a key.
func Stack() zap.Field { return zap.StackSkip("stack", 1) }

// Error is an error's text, escaped and cut; for a nil error there is no field.
func Error(err error) zap.Field {
	if err == nil {
		return zap.Skip()
	}
	return zap.String("error", escape(err.Error(), detailLimit, false))
}
