package logging

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The table of fields has the fields of fields.go, in their order.
func TestFieldsAreListed(t *testing.T) {
	listed := Fields()[5:] // after those of every line, and audit
	constructors := fieldConstructors(t)
	for i, c := range constructors {
		if i >= len(listed) || listed[i].Name != c.value {
			t.Fatalf("field %d is %s and not in the table at its place", i, c.value)
		}
	}
	if len(listed) != len(constructors) {
		t.Errorf("the table has %v, which no function makes", listed[len(constructors):])
	}
}

// The kinds of the table are those of the values.
func TestFieldKinds(t *testing.T) {
	var kinds = map[zapcore.FieldType]Kind{
		zapcore.StringType: KindText, zapcore.BoolType: KindBoolean, zapcore.DurationType: KindSeconds,
		zapcore.Int64Type: KindInteger, zapcore.Uint64Type: KindInteger, zapcore.Uint16Type: KindInteger,
	}
	made := []zap.Field{
		ConnID(1), RequestID(1), ClientIP(netip.Addr{}), ClientPort(1), ClientID([16]byte{}), ClientName(""), Op(""), OpCode(1),
		Status(1), ReasonField(NoKey), Dialect(""), Checksum(""), BytesIn(1), BytesOut(1), Duration(time.Second),
		QueueWait(time.Second), FileName(""), FileSize(1), Requests(1), Fingerprint([32]byte{}),
		OldFingerprint([32]byte{}), TLS(true), TLSVersion(""), TLSCipher(""), TLSResumed(true),
		CertificateSubject(""), CertificateFingerprint([32]byte{}), KeyFingerprint([32]byte{}), ValidUntil(time.Time{}), TLSAddr(""), Confined(""), Addr(""), Limit(""), Value(1), Wanted(1), Count(1), DroppedEvent(LimitHit), MinimumLevel(""),
		Signal(""), Version(""), ProcessID(1), Mechanism(""), Path(""), Delivery(""), Hook(""), Key(""), Found(""), Detail(""), Stack(), Error(errors.New("")),
	}
	for i, f := range Fields()[5:] {
		if made[i].Key != f.Name || kinds[made[i].Type] != f.Kind {
			t.Errorf("%s is of kind %d, made was %v", f.Name, f.Kind, made[i])
		}
	}
	if _, known := FieldKind("elsewhere"); known {
		t.Error("an unknown field is known")
	}
}
