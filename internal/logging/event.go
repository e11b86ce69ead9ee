package logging

import "go.uber.org/zap/zapcore"

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
	// ConfigWarning: something in the configuration's sources is wrong and was passed over.
	ConfigWarning Event = "config.warning"
)

// What happens to connections and requests.
const (
	// ConnOpen: a connection was accepted.
	ConnOpen Event = "conn.open"
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
	// ClientChecksum: a client's kind of CRC was found out and is remembered.
	ClientChecksum Event = "client.checksum"
	// FileReceived: an upload is complete and its CRC was sent.
	FileReceived Event = "file.received"
	// FileVerified: the client accepted the CRC, and the file is on stable storage.
	FileVerified Event = "file.verified"
	// FileRejected: the client did not accept the CRC (1105 or 1106).
	FileRejected Event = "file.rejected"
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
	// StorageRecovered: the storage works again.
	StorageRecovered Event = "storage.recovered"
	// StorageRelaxed: by configuration, acknowledged files do not survive a power cut.
	StorageRelaxed Event = "storage.relaxed"
	// StorageMigrated: the database was brought to this version's schema.
	StorageMigrated Event = "storage.migrated"
)

// What happens to the log itself.
const (
	// LogLost: lines could not be written, count in all since the start; the log goes on.
	LogLost Event = "log.lost"
	// LogOther: a line of code that names no event.
	LogOther Event = "log.other"
)

// entry is what the lines of an event have in common.
type entry struct {
	level   zapcore.Level
	message string
}

// entries holds every event.
var entries = map[Event]entry{
	ServerStart:   {zapcore.InfoLevel, "Server starts"},
	ServerReady:   {zapcore.InfoLevel, "Server is ready"},
	ServerDrain:   {zapcore.InfoLevel, "Server drains"},
	ServerStop:    {zapcore.InfoLevel, "Server stops"},
	ServerWarning: {zapcore.WarnLevel, "Server is limited"},
	ServerFailed:  {zapcore.ErrorLevel, "Server failed"},
	ServerPanic:   {zapcore.ErrorLevel, "Recovered from a panic"},
	ServerReactor: {zapcore.InfoLevel, "Reactor says"},
	ConfigWarning: {zapcore.WarnLevel, "Configuration warning"},

	ConnOpen:    {zapcore.DebugLevel, "Connection opened"},
	ConnClose:   {zapcore.InfoLevel, "Connection closed"},
	ConnPause:   {zapcore.DebugLevel, "Connection paused"},
	ConnResume:  {zapcore.DebugLevel, "Connection resumed"},
	RequestDone: {zapcore.InfoLevel, "Request done"},
	LimitHit:    {zapcore.WarnLevel, "Limit hit"},
	Penalty:     {zapcore.WarnLevel, "Source penalized"},

	ClientRegistered: {zapcore.InfoLevel, "Client registered"},
	ClientKeyChanged: {zapcore.InfoLevel, "Client changed its key"},
	ClientChecksum:   {zapcore.InfoLevel, "Client's checksum found"},
	FileReceived:     {zapcore.InfoLevel, "File received"},
	FileVerified:     {zapcore.InfoLevel, "File verified"},
	FileRejected:     {zapcore.InfoLevel, "File rejected by client"},
	FileDiscarded:    {zapcore.InfoLevel, "File discarded"},

	StorageSweep:     {zapcore.InfoLevel, "Storage swept"},
	StorageOrphan:    {zapcore.WarnLevel, "Row without content"},
	StorageFault:     {zapcore.ErrorLevel, "Storage failed"},
	StorageRecovered: {zapcore.InfoLevel, "Storage recovered"},
	StorageRelaxed:   {zapcore.WarnLevel, "Storage is not durable"},
	StorageMigrated:  {zapcore.InfoLevel, "Database migrated"},

	LogLost:  {zapcore.WarnLevel, "Log lines lost"},
	LogOther: {zapcore.InfoLevel, "Other"},
}

// Level is the level of the event's lines. The exceptions are ServerReactor and LogOther, whose lines bring their own.
func (e Event) Level() zapcore.Level { return entries[e].level }

// Message is the constant msg of the event's lines.
func (e Event) Message() string { return entries[e].message }

// Known tells whether e is an event of the closed list.
func (e Event) Known() bool { _, known := entries[e]; return known }
