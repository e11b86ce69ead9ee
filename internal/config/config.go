package config

import (
	"net/netip"
	"time"
)

// Sizes in bytes.
const (
	KiB int64 = 1 << 10
	MiB int64 = 1 << 20
	GiB int64 = 1 << 30
)

// DefaultPort is taken when neither flag, environment nor port.info gives a port.
const DefaultPort = 1234

// MaxUploadSize is the largest plain content the protocol can carry, in bytes: the payload size field holds
// 2^32 − 1, of which 275 bytes are fixed; the padded content is a multiple of 16 with at least one byte of padding.
const MaxUploadSize = (1<<32-1-275)/16*16 - 1

// Checksum says which CRC the server sends (protocol section 3).
type Checksum string

// The values of checksum.
const (
	ChecksumAuto  Checksum = "auto"
	ChecksumCRC32 Checksum = "crc32"
	ChecksumCksum Checksum = "cksum"
)

// Durability says what is synced before an upload is acknowledged.
type Durability string

// The values of durability.
const (
	DurabilityFull    Durability = "full"
	DurabilityRelaxed Durability = "relaxed"
)

// OnConflict says what a verified upload does to a verified file of the same name.
type OnConflict string

// The values of on_conflict.
const (
	ConflictReplace OnConflict = "replace"
	ConflictKeep    OnConflict = "keep"
	ConflictRefuse  OnConflict = "refuse"
)

// StorageRows says where rows are.
type StorageRows string

// The values of storage.rows.
const (
	RowsSQLite   StorageRows = "sqlite"
	RowsPostgres StorageRows = "postgres"
)

// StorageContent says where content is.
type StorageContent string

// The values of storage.content.
const (
	ContentDisk StorageContent = "disk"
	ContentS3   StorageContent = "s3"
)

// KeyPolicy says what becomes of a public key that is not the client's.
type KeyPolicy string

// The values of key_policy.
const (
	KeyRotate  KeyPolicy = "rotate"
	KeyPin     KeyPolicy = "pin"
	KeyApprove KeyPolicy = "approve"
)

// Registration says who may register.
type Registration string

// The values of registration.
const (
	RegistrationOpen      Registration = "open"
	RegistrationAllowlist Registration = "allowlist"
	RegistrationClosed    Registration = "closed"
)

// LogLevel is the least severe level that is logged.
type LogLevel string

// The values of log.level.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// LogFormat is the form of a log line.
type LogFormat string

// The values of log.format.
const (
	FormatAuto LogFormat = "auto"
	FormatJSON LogFormat = "json"
	FormatText LogFormat = "text"
)

// LogCompress is how old log files are compressed.
type LogCompress string

// The values of log.compress.
const (
	CompressNone LogCompress = "none"
	CompressGzip LogCompress = "gzip"
	CompressZstd LogCompress = "zstd"
)

// Config is a checked configuration: every value lies in its range. Sizes are in bytes.
// What each field means, its range and its default are in docs/CONFIGURATION.md, under the key's name.
type Config struct {
	ServerIPAddress netip.Addr
	Port            uint16
	DataDir         string

	Checksum     Checksum
	Durability   Durability
	JournalUpTo  int64
	OnConflict   OnConflict
	KeepVersions int

	MemoryBudget       int64
	ConnectionHighMark int64
	ConnectionLowMark  int64
	Workers            int
	EventLoops         int

	MaxConnections          int
	MaxConnectionsPerSource int
	MaxUploads              int
	MaxUploadSize           int64
	Registration            Registration
	RegistrationFile        string
	KeyPolicy               KeyPolicy
	KeyChangesPerHour       int

	BandwidthPerClient     int64 // bytes a second
	RegistrationsPerMinute int
	PenaltyMax             time.Duration

	RequestTimeout         time.Duration
	IdleTimeout            time.Duration
	TakenNameTimeout       time.Duration
	VerifyTimeout          time.Duration
	OutputTimeout          time.Duration
	MinimumBodyRate        int64
	ShortRegistrationGrace time.Duration
	KeyLifetime            time.Duration
	DrainTimeout           time.Duration
	SweepInterval          time.Duration

	ProxyProtocolFrom []netip.Prefix

	TLS        TLS
	RequireTLS bool
	Confine    Confine

	Storage   Storage
	S3        S3
	Quota     Quota
	Retention Retention
	Hooks     Hooks
	Log       Log
	Admin     Admin

	sources map[string]Source
}

// Storage configures where rows and content are.
type Storage struct {
	Rows         StorageRows
	Postgres     string // secret
	PostgresFile string // that holds it
	Content      StorageContent
	Lease        time.Duration
}

// S3 configures where content is that is not on the own disk. Empty texts mean
// that S3's own defaults count.
type S3 struct {
	Endpoint        string
	Bucket          string
	Prefix          string
	Region          string
	CredentialsFile string
	CAFile          string
	PartSize        int64
	Memory          int64
	SpoolDir        string
	Timeout         time.Duration
}

// Quota configures how much may be stored. 0 is no limit.
type Quota struct {
	ClientBytes int64 // of each client
	ClientFiles int
	TotalBytes  int64 // of all clients together
	TotalFiles  int
	FreeSpace   int64 // that uploads leave on the disk
}

// Retention configures when verified files are removed again.
type Retention struct {
	MaxAge   time.Duration // 0: never
	MaxFiles int           // of each client; 0: any number
}

// Hooks configures who is told of verified files.
type Hooks struct {
	Command    string // empty: none
	URL        string // empty: none
	SecretFile string // empty: requests are not signed
	Timeout    time.Duration
	Attempts   int
}

// Log configures the log.
type Log struct {
	Level  LogLevel
	Format LogFormat

	File           string // empty: standard error
	MaxSize        int64
	RotateInterval time.Duration
	MaxAge         time.Duration
	MaxBackups     int
	Compress       LogCompress
}

// Admin configures what operators look at.
type Admin struct {
	Address netip.AddrPort // invalid: nothing is served
	Hosts   []string
}

// Source returns where the value of key comes from.
func (c *Config) Source(key string) Source { return c.sources[key] }
