package logging

import (
	"slices"

	"go.uber.org/zap/zapcore"
)

// Event says what a line is about. The constants here are all there are.
type Event string

// What happens to the server as a whole.
const (
	// ServerStart: the process has read its configuration.
	ServerStart Event = "server.start"
	// ServerReady: connections are accepted at addr.
	ServerReady Event = "server.ready"
	// ServerDrain: no connection is accepted any more, uploads may finish.
	ServerDrain Event = "server.drain"
	// ServerStop: the process ends.
	ServerStop Event = "server.stop"
	// ServerWarning: the server runs, but not as it was asked to.
	ServerWarning Event = "server.warning"
	// ServerFailed: the process ends because of error.
	ServerFailed Event = "server.failed"
	// ServerPanic: a fault of the program cost one connection; the server goes on.
	ServerPanic Event = "server.panic"
	// ServerReactor: a line of the network library, in detail.
	ServerReactor Event = "server.reactor"
	// AdminReady: metrics, health and the live page are served at addr.
	AdminReady Event = "admin.ready"
	// AdminUnavailable: they cannot be served at addr, because of error; that is tried again, and all else works.
	AdminUnavailable Event = "admin.unavailable"
	// ServerConfined: the process has given up what it does not need; error says what could not be given up.
	ServerConfined Event = "server.confined"
	// TLSCertificate: this certificate is shown to clients from here on.
	TLSCertificate Event = "tls.certificate"
	// TLSReloadFailed: what is in the files of TLS now cannot be used; the certificate before stays.
	TLSReloadFailed Event = "tls.reload_failed"
	// ConfigWarning: something in the configuration's sources is wrong and was passed over.
	ConfigWarning Event = "config.warning"
)

// What happens to connections and requests.
const (
	// ConnOpen: a connection was accepted.
	ConnOpen Event = "conn.open"
	// ConnSecured: a connection's TLS handshake is over; the certificate is the client's, if it showed one.
	ConnSecured Event = "conn.secured"
	// ConnClose: a connection ended, with its totals; reason says who or what ended it.
	ConnClose Event = "conn.close"
	// ConnPause: a connection is not read, because too much of its content waits.
	ConnPause Event = "conn.pause"
	// ConnResume: a paused connection is read again.
	ConnResume Event = "conn.resume"
	// RequestDone: a request was answered or refused. There is one line for each request.
	RequestDone Event = "request.done"
	// LimitHit: a limit on abuse refused or closed something; limit names it.
	LimitHit Event = "limit.hit"
	// Penalty: a source that keeps misbehaving is refused for duration.
	Penalty Event = "penalty"
)

// What happens to clients and files.
const (
	// ClientRegistered: a new name got its id.
	ClientRegistered Event = "client.registered"
	// ClientKeyChanged: a client replaced its public key by another one.
	ClientKeyChanged Event = "client.key_changed"
	// ClientKeyWaits: a client offered a public key that waits for an approval from now on: sealquay clients approve.
	ClientKeyWaits Event = "client.key_waits"
	// ClientKeyShared: a client has a public key whose modulus another client's key has, too: whoever has the private key
	// of one can read what the other is sent.
	ClientKeyShared Event = "client.key_shared"
	// QuotaWarning: an upload brought what is stored to four fifths of a quota: limit names it, value is the use, wanted
	// the quota. There is one line for each time that it is passed.
	QuotaWarning Event = "quota.warning"
	// ClientChecksum: a client's kind of CRC was found out and is remembered.
	ClientChecksum Event = "client.checksum"
	// FileReceived: an upload is complete and its CRC was sent.
	FileReceived Event = "file.received"
	// FileVerified: the client accepted the CRC, and the file is on stable storage.
	FileVerified Event = "file.verified"
	// FileRejected: the client did not accept the CRC (1105 or 1106).
	FileRejected Event = "file.rejected"
	// FileExpired: a verified file was removed, because of its age or because its client has newer ones.
	FileExpired Event = "file.expired"
	// FileDiscarded: an upload was removed before it was verified.
	FileDiscarded Event = "file.discarded"
)

// What happens to the storage.
const (
	// StorageSweep: what failed uploads left was searched for and removed.
	StorageSweep Event = "storage.sweep"
	// StorageOrphan: a row without its content was found.
	StorageOrphan Event = "storage.orphan"
	// StorageFault: the storage failed; uploads are refused.
	StorageFault Event = "storage.fault"
	// StorageRelaxed: by configuration, its own or that of PostgreSQL, acknowledged files may not survive a power cut.
	StorageRelaxed Event = "storage.relaxed"
)

// What happens to hooks, which are told of verified files.
const (
	// HookDelivered: a hook has taken a file; count is how many attempts that took.
	HookDelivered Event = "hook.delivered"
	// HookFailed: an attempt to tell a hook of a file failed; there will be others. count is how many there were.
	HookFailed Event = "hook.failed"
	// HookDead: a hook was told of a file too often in vain, and is not told of it again.
	HookDead Event = "hook.dead"
)

// What happens to the log itself.
const (
	// LogReopened: at a signal, the log file was opened again and the level was read anew: minimum_level.
	LogReopened Event = "log.reopened"
	// LogSampled: count lines about dropped_event were left out, because there were too many in a second.
	LogSampled Event = "log.sampled"
	// LogLost: lines could not be written, count in all since the start; the log goes on.
	LogLost Event = "log.lost"
	// LogOther: a line of code that names no event.
	LogOther Event = "log.other"
)

// entry is what the lines of an event have in common.
type entry struct {
	level   zapcore.Level
	message string
	audit   bool // its lines are written by an Audit
	noise   bool // its lines may be sampled
}

// entries holds every event.
var entries = map[Event]entry{
	ServerStart:      {level: zapcore.InfoLevel, message: "Server starts"},
	ServerReady:      {level: zapcore.InfoLevel, message: "Server is ready"},
	ServerDrain:      {level: zapcore.InfoLevel, message: "Server drains"},
	ServerStop:       {level: zapcore.InfoLevel, message: "Server stops"},
	ServerWarning:    {level: zapcore.WarnLevel, message: "Server is limited"},
	ServerFailed:     {level: zapcore.ErrorLevel, message: "Server failed"},
	ServerPanic:      {level: zapcore.ErrorLevel, message: "Recovered from a panic"},
	ServerReactor:    {level: zapcore.InfoLevel, message: "Reactor says", noise: true},
	AdminReady:       {level: zapcore.InfoLevel, message: "Admin is ready"},
	AdminUnavailable: {level: zapcore.WarnLevel, message: "No admin address"},

	ServerConfined:  {level: zapcore.InfoLevel, message: "Server is confined"},
	TLSCertificate:  {level: zapcore.InfoLevel, message: "Certificate in use", audit: true},
	TLSReloadFailed: {level: zapcore.WarnLevel, message: "Certificate not reloaded"},
	ConfigWarning:   {level: zapcore.WarnLevel, message: "Configuration warning"},

	ConnOpen:    {level: zapcore.DebugLevel, message: "Connection opened"},
	ConnSecured: {level: zapcore.InfoLevel, message: "Connection secured"},
	ConnClose:   {level: zapcore.InfoLevel, message: "Connection closed"},
	ConnPause:   {level: zapcore.DebugLevel, message: "Connection paused", noise: true},
	ConnResume:  {level: zapcore.DebugLevel, message: "Connection resumed", noise: true},
	RequestDone: {level: zapcore.InfoLevel, message: "Request done"},
	LimitHit:    {level: zapcore.WarnLevel, message: "Limit hit", noise: true},
	Penalty:     {level: zapcore.WarnLevel, message: "Source penalized", audit: true},

	ClientRegistered: {level: zapcore.InfoLevel, message: "Client registered", audit: true},
	ClientKeyChanged: {level: zapcore.InfoLevel, message: "Client changed its key", audit: true},
	ClientKeyWaits:   {level: zapcore.WarnLevel, message: "Public key waits", audit: true},
	ClientKeyShared:  {level: zapcore.WarnLevel, message: "Public key is shared", audit: true},
	QuotaWarning:     {level: zapcore.WarnLevel, message: "Quota is nearly used up", audit: true},
	ClientChecksum:   {level: zapcore.InfoLevel, message: "Client's checksum found"},
	FileReceived:     {level: zapcore.InfoLevel, message: "File received"},
	FileVerified:     {level: zapcore.InfoLevel, message: "File verified", audit: true},
	FileRejected:     {level: zapcore.InfoLevel, message: "File rejected by client"},
	FileExpired:      {level: zapcore.InfoLevel, message: "File expired", audit: true},
	FileDiscarded:    {level: zapcore.InfoLevel, message: "File discarded"},

	StorageSweep:   {level: zapcore.InfoLevel, message: "Storage swept"},
	StorageOrphan:  {level: zapcore.WarnLevel, message: "Row without content"},
	StorageFault:   {level: zapcore.ErrorLevel, message: "Storage failed"},
	StorageRelaxed: {level: zapcore.WarnLevel, message: "Storage is not durable"},

	HookDelivered: {level: zapcore.InfoLevel, message: "Hook has taken a file"},
	HookFailed:    {level: zapcore.WarnLevel, message: "Hook failed"},
	HookDead:      {level: zapcore.ErrorLevel, message: "Hook is given up"},

	LogReopened: {level: zapcore.InfoLevel, message: "Log reopened", audit: true},
	LogSampled:  {level: zapcore.WarnLevel, message: "Log lines left out"},
	LogLost:     {level: zapcore.WarnLevel, message: "Log lines lost"},
	LogOther:    {level: zapcore.InfoLevel, message: "Other", noise: true},
}

// Level is the level of the event's lines. The exceptions are ServerReactor and LogOther, whose lines bring their own.
func (e Event) Level() zapcore.Level { return entries[e].level }

// Message is the constant msg of the event's lines.
func (e Event) Message() string { return entries[e].message }

// Known tells whether e is an event of the closed list.
func (e Event) Known() bool { _, known := entries[e]; return known }

// Events returns every event, sorted.
func Events() []string { return sortedNames(entries) }

func sortedNames[K ~string, V any](list map[K]V) (names []string) {
	for name := range list {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}
