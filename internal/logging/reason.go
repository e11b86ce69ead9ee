package logging

// Reason says why a request was refused, an upload discarded or a connection closed. The constants here are all
// there are.
type Reason string

// Requests that cannot be understood.
const (
	// UnknownCode: no request has this code.
	UnknownCode Reason = "unknown_code"
	// HeaderCutShort: the connection ended within a header.
	HeaderCutShort Reason = "header_cut_short"
	// PayloadCutShort: the connection ended within a payload.
	PayloadCutShort Reason = "payload_cut_short"
	// ContentSize: the content size is not a positive multiple of 16, or does not fit the payload size.
	ContentSize Reason = "content_size"
	// FramingLost: where the next request begins cannot be known; the connection is closed.
	FramingLost Reason = "framing_lost"
)

// Names that are refused.
const (
	// NameNotTerminated: no NUL ends the client's name.
	NameNotTerminated Reason = "name_not_terminated"
	// NameEmpty: the client's name is empty.
	NameEmpty Reason = "name_empty"
	// NameNotUTF8: the client's name is not UTF-8.
	NameNotUTF8 Reason = "name_not_utf8"
	// NameTaken: a client of this name is registered.
	NameTaken Reason = "name_taken"
	// FileNameNotTerminated: no NUL ends the file name.
	FileNameNotTerminated Reason = "file_name_not_terminated"
	// FileNameEmpty: nothing follows the last separator of the file name.
	FileNameEmpty Reason = "file_name_empty"
	// FileNameDot: the file name is . or ..
	FileNameDot Reason = "file_name_dot"
	// FileNameControl: the file name holds a control character.
	FileNameControl Reason = "file_name_control"
	// FileNameNotUTF8: the file name is not UTF-8.
	FileNameNotUTF8 Reason = "file_name_not_utf8"
)

// Clients and keys that are refused.
const (
	// UnknownClient: no client has this id.
	UnknownClient Reason = "unknown_client"
	// ClientMismatch: id and name, or the ids of header and payload, belong to different clients.
	ClientMismatch Reason = "client_mismatch"
	// KeyFormat: the public key is no RSA key in DER.
	KeyFormat Reason = "key_format"
	// KeySize: the public key's modulus has not 1024 bits.
	KeySize Reason = "key_size"
	// KeyWeak: the public key's modulus or exponent is unsafe.
	KeyWeak Reason = "key_weak"
	// KeyPinned: the client has another public key, and key_policy is pin.
	KeyPinned Reason = "key_pinned"
	// KeyNotApproved: key_policy is approve, and nobody has approved this public key.
	KeyNotApproved Reason = "key_not_approved"
	// TooManyKeyChanges: the client changed its public key more often than key_changes_per_hour allows.
	TooManyKeyChanges Reason = "too_many_key_changes"
	// RegistrationClosed: registration is closed.
	RegistrationClosed Reason = "registration_closed"
	// NameNotAllowed: registration is allowlist, and registration_file does not have the name.
	NameNotAllowed Reason = "name_not_allowed"
	// ClientRevoked: an operator has shut the client out.
	ClientRevoked Reason = "client_revoked"
	// NoKey: there is no AES key for this client; 1101 comes first.
	NoKey Reason = "no_key"
)

// Uploads that end without a verified file.
const (
	// NothingReceived: no upload of this name waits for a verdict.
	NothingReceived Reason = "nothing_received"
	// Undecryptable: the content's padding is wrong. It is never told to the client.
	Undecryptable Reason = "undecryptable"
	// CRCRejected: the client found another CRC and sends the file again (1105).
	CRCRejected Reason = "crc_rejected"
	// GaveUp: the client found another CRC and gave up (1106).
	GaveUp Reason = "gave_up"
	// TriesExhausted: too many uploads without an accepted CRC; the AES key is thrown away.
	TriesExhausted Reason = "tries_exhausted"
	// RetentionAge: the file is older than files are kept.
	RetentionAge Reason = "retention_age"
	// RetentionCount: the client has as many newer files as are kept.
	RetentionCount Reason = "retention_count"
	// Superseded: a newer upload of the same name took the place of this one.
	Superseded Reason = "superseded"
	// FileExists: a verified file of this name exists, and on_conflict is refuse.
	FileExists Reason = "file_exists"
	// QuotaFiles: the client would have more files than quota.client_files allows.
	QuotaFiles Reason = "quota_files"
	// QuotaBytes: the client would have more bytes than quota.client_bytes allows.
	QuotaBytes Reason = "quota_bytes"
	// QuotaTotalFiles: all clients together would have more files than quota.total_files allows.
	QuotaTotalFiles Reason = "quota_total_files"
	// QuotaTotalBytes: all clients together would have more bytes than quota.total_bytes allows.
	QuotaTotalBytes Reason = "quota_total_bytes"
	// StorageFull: no space is left for the content, or less than quota.free_space would be.
	StorageFull Reason = "storage_full"
	// StorageFailed: the storage reported an error.
	StorageFailed Reason = "storage_failed"
	// InternalError: a fault of the program.
	InternalError Reason = "internal_error"
)

// Time that ran out, by what was waited for.
const (
	// RequestTimeout: a header or a request without content did not arrive in time.
	RequestTimeout Reason = "request_timeout"
	// HandshakeTimeout: the TLS handshake was not over in time.
	HandshakeTimeout Reason = "handshake_timeout"
	// BodyTooSlow: content arrived below the minimum rate.
	BodyTooSlow Reason = "body_too_slow"
	// IdleTimeout: no request followed in time.
	IdleTimeout Reason = "idle_timeout"
	// TakenNameTimeout: no request followed in time after a registration was refused.
	TakenNameTimeout Reason = "taken_name_timeout"
	// VerifyTimeout: the client's verdict on the CRC did not arrive in time.
	VerifyTimeout Reason = "verify_timeout"
	// OutputTimeout: the client did not read its answer in time.
	OutputTimeout Reason = "output_timeout"
	// DrainTimeout: the upload did not end before the server did.
	DrainTimeout Reason = "drain_timeout"
)

// Limits that were reached.
const (
	// TooManyConnections: as many connections as max_connections allows.
	TooManyConnections Reason = "too_many_connections"
	// TooManyConnectionsFromSource: as many from one source as max_connections_per_source allows.
	TooManyConnectionsFromSource Reason = "too_many_connections_from_source"
	// TooManyUploads: as many uploads at once as max_uploads allows.
	TooManyUploads Reason = "too_many_uploads"
	// TooManyRegistrations: as many from one source as registrations_per_minute allows.
	TooManyRegistrations Reason = "too_many_registrations"
	// TooManyHandshakes: as many TLS handshakes are under way as may be.
	TooManyHandshakes Reason = "too_many_handshakes"
	// UploadTooLarge: the content is larger than max_upload_size.
	UploadTooLarge Reason = "upload_too_large"
	// OutputTooLarge: more answers wait for the client than may.
	OutputTooLarge Reason = "output_too_large"
	// DescriptorsExhausted: the process or the system has no descriptor left.
	DescriptorsExhausted Reason = "descriptors_exhausted"
	// Penalized: the source is refused for a while, because it kept misbehaving.
	Penalized Reason = "penalized"
)

// Other ends of a connection.
const (
	// ClientClosed: the client closed the connection; this is the ordinary end.
	ClientClosed Reason = "client_closed"
	// ConnectionReset: the client or the network reset the connection.
	ConnectionReset Reason = "connection_reset"
	// ConnectionFailed: the operating system reported an error of the connection.
	ConnectionFailed Reason = "connection_failed"
	// ProxyHeader: the PROXY protocol header is missing or wrong.
	ProxyHeader Reason = "proxy_header"
	// HandshakeFailed: no TLS was agreed upon: the client has no version 1.3, or one side refused the other's certificate.
	HandshakeFailed Reason = "handshake_failed"
	// PlainAtTLSPort: the client does not speak TLS, and came to the port for TLS.
	PlainAtTLSPort Reason = "plain_at_tls_port"
	// TLSAtPlainPort: the client speaks TLS, and came to the port without.
	TLSAtPlainPort Reason = "tls_at_plain_port"
	// TLSRecord: what came through TLS was damaged, forged or out of order.
	TLSRecord Reason = "tls_record"
	// ShuttingDown: the server stops.
	ShuttingDown Reason = "shutting_down"
)

// reasons holds every reason.
var reasons = map[Reason]bool{
	UnknownCode:     true,
	HeaderCutShort:  true,
	PayloadCutShort: true,
	ContentSize:     true,
	FramingLost:     true,

	NameNotTerminated:     true,
	NameEmpty:             true,
	NameNotUTF8:           true,
	NameTaken:             true,
	FileNameNotTerminated: true,
	FileNameEmpty:         true,
	FileNameDot:           true,
	FileNameControl:       true,
	FileNameNotUTF8:       true,

	UnknownClient:  true,
	ClientMismatch: true,
	KeyFormat:      true,
	KeySize:        true,
	KeyWeak:        true,

	KeyPinned:          true,
	KeyNotApproved:     true,
	TooManyKeyChanges:  true,
	RegistrationClosed: true,
	NameNotAllowed:     true,

	ClientRevoked: true,
	NoKey:         true,

	NothingReceived: true,
	Undecryptable:   true,
	CRCRejected:     true,
	GaveUp:          true,
	TriesExhausted:  true,
	RetentionAge:    true,
	RetentionCount:  true,
	Superseded:      true,
	FileExists:      true,
	QuotaFiles:      true,
	QuotaBytes:      true,
	QuotaTotalFiles: true,
	QuotaTotalBytes: true,
	StorageFull:     true,
	StorageFailed:   true,
	InternalError:   true,

	RequestTimeout:   true,
	HandshakeTimeout: true,
	BodyTooSlow:      true,
	IdleTimeout:      true,
	TakenNameTimeout: true,
	VerifyTimeout:    true,
	OutputTimeout:    true,
	DrainTimeout:     true,

	TooManyConnections:           true,
	TooManyConnectionsFromSource: true,
	TooManyUploads:               true,
	TooManyRegistrations:         true,
	TooManyHandshakes:            true,
	UploadTooLarge:               true,
	OutputTooLarge:               true,
	DescriptorsExhausted:         true,
	Penalized:                    true,

	ClientClosed:     true,
	ConnectionReset:  true,
	ConnectionFailed: true,
	ProxyHeader:      true,
	HandshakeFailed:  true,
	PlainAtTLSPort:   true,
	TLSAtPlainPort:   true,
	TLSRecord:        true,
	ShuttingDown:     true,
}
