package logging

import (
	"io"
	"net/netip"
	"path/filepath"
	"syscall"
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

// sessionLines writes what the server logs of a client that registers and sends a file: eight lines, two of them
// audited. Like the server, it uses the slice of fields again, which it returns.
func sessionLines(l *zap.Logger, audit *Audit, fields []zap.Field, ip netip.Addr, id [16]byte) []zap.Field {
	for range 4 {
		fields = requestDone(fields[:0], ip, id)
		Log(l, RequestDone, fields...)
	}
	common := func() { fields = append(fields[:0], ConnID(123456), ClientIP(ip), ClientID(id)) }
	common()
	fields = append(fields, ClientName("client-0042"))
	audit.Log(ClientRegistered, fields...)
	common()
	fields = append(fields, FileName("report.pdf"), FileSize(1048576), Checksum("crc32"))
	Log(l, FileReceived, fields...)
	audit.Log(FileVerified, fields[:len(fields)-1]...)
	common()
	fields = append(fields, ReasonField(ClientClosed), Requests(4), BytesIn(1049888), BytesOut(600), Duration(50*time.Millisecond))
	Log(l, ConnClose, fields...)
	return fields
}

// BenchmarkSessionLog is the log of one session, written to a file with rotation. CPU counts also what the kernel and
// the compression take.
func BenchmarkSessionLog(b *testing.B) {
	f, err := OpenFile(filepath.Join(b.TempDir(), "server.log"), Rotation{Size: 100 << 20, MaxBackups: 3, Compress: "gzip"})
	if err != nil {
		b.Fatal(err)
	}
	l, _, flush := New(Options{Writer: f})
	audit := NewAudit(l)
	ip, id := netip.MustParseAddr("192.0.2.7"), [16]byte{1, 2, 3}
	var fields []zap.Field
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		fields = sessionLines(l, audit, fields, ip, id)
	}
	flush()
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkFlood is a line of noise, of which nearly all are left out.
func BenchmarkFlood(b *testing.B) {
	var w countingWriter
	l, _, flush := New(Options{Writer: &w})
	b.ReportAllocs()
	for b.Loop() {
		Log(l, LimitHit, ReasonField(TooManyConnections), Count(1))
	}
	flush()
	b.ReportMetric(float64(w.writes)/float64(b.N), "writes/op")
}

// processorTime is what the process has used so far, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
