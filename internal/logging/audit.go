package logging

import (
	"maps"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Audit is the logger of what an auditor asks for: registrations, changed keys, verified files, and refusals by
// policy. Its lines have the field audit, which is true. They go where the others go, and are written whatever the
// level is; none is ever left out by sampling. Safe for concurrent use.
type Audit struct{ log *zap.Logger }

// NewAudit returns the audit logger beside l, which New made.
func NewAudit(l *zap.Logger) *Audit {
	return &Audit{l.With(zap.Bool("audit", true)).WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		if ours, ok := c.(*core); ok {
			return ours.unconditional()
		}
		return c
	}))}
}

// Log writes a line about e, as the function Log does.
func (a *Audit) Log(e Event, fields ...zap.Field) { Log(a.log, e, fields...) }

// IsAudit tells whether every line about e is written by an Audit. Refused requests are audited too, by their reason.
func (e Event) IsAudit() bool { return entries[e].audit }

// policy holds the reasons of requests that were understood and that a rule forbids.
var policy = map[Reason]bool{
	NameTaken:       true,
	FileNameDot:     true,
	FileNameControl: true,

	UnknownClient:  true,
	ClientMismatch: true,
	ClientRevoked:  true,
	KeySize:        true,
	KeyWeak:        true,

	KeyPinned:          true,
	KeyNotApproved:     true,
	TooManyKeyChanges:  true,
	RegistrationClosed: true,
	NameNotAllowed:     true,

	TriesExhausted: true,
	FileExists:     true,

	QuotaFiles:      true,
	QuotaBytes:      true,
	QuotaTotalFiles: true,
	QuotaTotalBytes: true,

	TooManyUploads:       true,
	TooManyRegistrations: true,
	UploadTooLarge:       true,
}

// IsPolicy tells whether a request that is refused for r is refused by policy: it was understood, and a rule forbids
// it. The lines request.done of such requests are audited.
func (r Reason) IsPolicy() bool { return policy[r] }

// Known tells whether r is a reason of the closed list.
func (r Reason) Known() bool { return reasons[r] }

// AllReasons returns every reason, sorted.
func AllReasons() []Reason { return slices.Sorted(maps.Keys(reasons)) }

// Reasons returns the name of every reason, sorted.
func Reasons() []string { return sortedNames(reasons) }
