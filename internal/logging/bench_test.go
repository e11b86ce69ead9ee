package logging

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
)

// requestDone appends the fields of a request.done line as the server writes them.
func requestDone(fields []zap.Field, ip netip.Addr, id [16]byte) []zap.Field {
	return append(fields, ConnID(123456), RequestID(3), ClientIP(ip), ClientID(id), ClientName("client-0042"),
		Op("encrypted_file"), OpCode(1103), Status(2103), BytesIn(1048874), BytesOut(286), FileName("report.pdf"),
		QueueWait(35*time.Microsecond), Duration(2345*time.Microsecond))
}

// BenchmarkRequestDone writes one request.done line with all its fields: the caller keeps the slice, or does not, or
// the level is off.
func BenchmarkRequestDone(b *testing.B) {
	ip, id := netip.MustParseAddr("192.0.2.7"), [16]byte{1, 2, 3}
	b.Run("slice kept", func(b *testing.B) {
		l, _, flush := New(Options{Writer: io.Discard})
		defer flush()
		fields := make([]zap.Field, 0, 16)
		b.ReportAllocs()
		for b.Loop() {
			fields = requestDone(fields[:0], ip, id)
			Log(l, RequestDone, fields...)
		}
	})
	b.Run("slice new", func(b *testing.B) {
		l, _, flush := New(Options{Writer: io.Discard})
		defer flush()
		b.ReportAllocs()
		for b.Loop() {
			Log(l, RequestDone, requestDone(nil, ip, id)...)
		}
	})
	b.Run("off", func(b *testing.B) {
		l, _, flush := New(Options{Writer: io.Discard, Level: zap.ErrorLevel})
		defer flush()
		b.ReportAllocs()
		for b.Loop() {
			if Enabled(l, RequestDone) {
				Log(l, RequestDone, requestDone(nil, ip, id)...)
			}
		}
	})
}
