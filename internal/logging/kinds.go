package logging

// Kind is the type of a field's values.
type Kind int

// The kinds of fields.
const (
	KindText     Kind = iota // a JSON string
	KindInteger              // a JSON number without a fraction
	KindSeconds              // a JSON number, a time in seconds
	KindBoolean              // true or false
	KindMoment               // a JSON string with an RFC 3339 time
	KindSeverity             // a JSON string that names a level
)

// Field is a field that a line may have.
type Field struct {
	Name string
	Kind Kind
}

// fields is every field: first those that each line has, then those of fields.go in its order.
var fields = []Field{
	{"ts", KindMoment},
	{"level", KindSeverity},
	{"event", KindText},
	{"msg", KindText},
	{"audit", KindBoolean},
	{"conn_id", KindInteger},
	{"request_id", KindInteger},
	{"client_ip", KindText},
	{"client_port", KindInteger},
	{"client_id", KindText},
	{"client_name", KindText},
	{"op", KindText},
	{"op_code", KindInteger},
	{"status", KindInteger},
	{"reason", KindText},
	{"dialect", KindText},
	{"checksum", KindText},
	{"bytes_in", KindInteger},
	{"bytes_out", KindInteger},
	{"duration", KindSeconds},
	{"queue_wait", KindSeconds},
	{"file_name", KindText},
	{"file_size", KindInteger},
	{"requests", KindInteger},
	{"fingerprint", KindText},
	{"old_fingerprint", KindText},
	{"tls", KindBoolean},
	{"tls_version", KindText},
	{"tls_cipher", KindText},
	{"tls_resumed", KindBoolean},
	{"certificate_subject", KindText},
	{"certificate_fingerprint", KindText},
	{"key_fingerprint", KindText},
	{"valid_until", KindText},
	{"tls_addr", KindText},
	{"confined", KindText},
	{"addr", KindText},
	{"limit", KindText},
	{"value", KindInteger},
	{"wanted", KindInteger},
	{"count", KindInteger},
	{"dropped_event", KindText},
	{"minimum_level", KindText},
	{"signal", KindText},
	{"version", KindText},
	{"process_id", KindInteger},
	{"mechanism", KindText},
	{"path", KindText},
	{"delivery", KindText},
	{"hook", KindText},
	{"key", KindText},
	{"found", KindText},
	{"detail", KindText},
	{"stack", KindText},
	{"error", KindText},
}

// Fields returns every field that a line may have, first those that each line has. The slice is the caller's.
func Fields() []Field { return append([]Field(nil), fields...) }

// FieldKind returns the kind of the field called name, and whether there is one.
func FieldKind(name string) (Kind, bool) {
	for _, f := range fields {
		if f.Name == name {
			return f.Kind, true
		}
	}
	return 0, false
}
