package config

import (
	"net/netip"
	"strings"
	"time"
)

// setting is one key: its path in config.json, its default as it would be written there, and what it means.
type setting struct {
	key     string
	initial string
	summary string
	value
}

// value reads and prints one field of Config. Words are the texts of a value: one, or for a list any number.
type value interface {
	allowed() string
	shape() shape
	accepts(word string) bool
	set(c *Config, words []string) // every word is accepted
	words(c *Config) []string      // set with these gives the same value again
}

// shape is the form of a value in config.json.
type shape int

const (
	shapeString shape = iota
	shapeInteger
	shapeSize // a string with a unit, or an integer of bytes
	shapeBoolean
	shapeList
)

const (
	longest  = 24 * time.Hour
	shortest = time.Millisecond
)

// portKey is the one key that is not in config.json but in port.info.
const portKey = "port"

// settings is every key, in the order of docs/CONFIGURATION.md and of `config print`.
var settings = []setting{
	{"server_ip_address", "127.0.0.1", "Address to listen on. `0.0.0.0` and `::` mean every interface.",
		address(func(c *Config) *netip.Addr { return &c.ServerIPAddress })},
	{portKey, "1234", "Port to listen on; 0 takes a free one. It is not a key of config.json: it comes from port.info.",
		integer(0, 65535, func(c *Config) *uint16 { return &c.Port })},
	{"data_dir", "data", "Folder of the database and the files, relative to the working directory.",
		path(func(c *Config) *string { return &c.DataDir })},

	{"checksum", "auto", "CRC that is sent after an upload. `auto` starts with CRC-32 and learns from each client.",
		oneOf(func(c *Config) *Checksum { return &c.Checksum }, ChecksumAuto, ChecksumCRC32, ChecksumCksum)},
	{"durability", "full", "`full`: an acknowledged file survives a power cut. `relaxed`: it survives the end of the process only.",
		oneOf(func(c *Config) *Durability { return &c.Durability }, DurabilityFull, DurabilityRelaxed)},
	{"journal_up_to", "16KiB", "Content up to this size is put on stable storage in a journal, many in one flush; its file is flushed within a second or so, all at once. That needs ext4, XFS, Btrfs or F2FS; elsewhere, and with 0, each file is flushed by itself.",
		size(0, 1*MiB, func(c *Config) *int64 { return &c.JournalUpTo })},
	{"on_conflict", "replace", "What a verified upload does when a verified file of that name exists: `replace` it, `keep` the last versions, or `refuse` the upload.",
		oneOf(func(c *Config) *OnConflict { return &c.OnConflict }, ConflictReplace, ConflictKeep, ConflictRefuse)},
	{"keep_versions", "3", "Versions of a file that `on_conflict` `keep` leaves, the newest included.",
		integer(1, 1000, func(c *Config) *int { return &c.KeepVersions })},

	{"registration", "open", "Who may register: `open`: anybody. `allowlist`: the names in `registration_file`. `closed`: nobody. Clients that are registered go on as before.",
		oneOf(func(c *Config) *Registration { return &c.Registration }, RegistrationOpen, RegistrationAllowlist, RegistrationClosed)},
	{"registration_file", "", "File with the names that may register, one on a line; empty lines and lines that start with `#` do not count. SIGHUP reads it again.",
		optionalPath(func(c *Config) *string { return &c.RegistrationFile })},
	{"key_policy", "rotate", "What a public key does that is not the client's: `rotate`: it takes the place of the old one. `pin`: it is refused; the first one stays. `approve`: every key, also the first, is refused until `sealquay clients approve`.",
		oneOf(func(c *Config) *KeyPolicy { return &c.KeyPolicy }, KeyRotate, KeyPin, KeyApprove)},
	{"key_changes_per_hour", "0", "Public keys that a client may replace in an hour with `key_policy` `rotate`. 0 means no limit.",
		integer(0, 1_000_000, func(c *Config) *int { return &c.KeyChangesPerHour })},

	{"memory_budget", "256MiB", "Content held in memory, over all connections.",
		size(8*MiB, 1024*GiB, func(c *Config) *int64 { return &c.MemoryBudget })},
	{"connection_high_mark", "1MiB", "Content waiting for one connection at which it is no longer read. At most `memory_budget`.",
		size(64*KiB, 1*GiB, func(c *Config) *int64 { return &c.ConnectionHighMark })},
	{"connection_low_mark", "256KiB", "Content waiting for one connection at which it is read again. Below `connection_high_mark`.",
		size(0, 1*GiB, func(c *Config) *int64 { return &c.ConnectionLowMark })},
	{"workers", "0", "Goroutines that decrypt, check and store. 0 means one for each processor in use (GOMAXPROCS).",
		integer(0, 1024, func(c *Config) *int { return &c.Workers })},
	{"event_loops", "0", "Loops that read and write the connections. 0 means chosen by the server.",
		integer(0, 256, func(c *Config) *int { return &c.EventLoops })},

	{"max_connections", "10000", "Connections at once. Lowered at start if the process may not open as many descriptors.",
		integer(1, 10_000_000, func(c *Config) *int { return &c.MaxConnections })},
	{"max_connections_per_source", "0", "Connections at once from one source, an IPv4 address or an IPv6 /64. 0 means no limit.",
		integer(0, 10_000_000, func(c *Config) *int { return &c.MaxConnectionsPerSource })},
	{"max_uploads", "0", "Uploads at once. 0 means as many as `memory_budget` carries.",
		integer(0, 10_000_000, func(c *Config) *int { return &c.MaxUploads })},
	{"max_upload_size", "4294967007", "Largest file, before encryption. The default is the protocol's own limit, 4 GiB − 289 bytes.",
		size(0, MaxUploadSize, func(c *Config) *int64 { return &c.MaxUploadSize })},
	{"bandwidth_per_client", "0", "Content that one client may send in a second, over all its connections. Above it they are read more slowly. 0 means no limit.",
		size(0, 1024*GiB, func(c *Config) *int64 { return &c.BandwidthPerClient })},
	{"registrations_per_minute", "0", "Registrations from one source in a minute. 0 means no limit.",
		integer(0, 1_000_000, func(c *Config) *int { return &c.RegistrationsPerMinute })},
	{"penalty_max", "10m", "Longest time for which a source that keeps misbehaving is refused. 0 means no penalties.",
		duration(0, longest, func(c *Config) *time.Duration { return &c.PenaltyMax })},

	{"request_timeout", "10s", "Time for a header and for a request without content to arrive.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.RequestTimeout })},
	{"idle_timeout", "5m", "Time between two requests.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.IdleTimeout })},
	{"taken_name_timeout", "5s", "The same after a registration was refused: some clients wait for the connection to be closed.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.TakenNameTimeout })},
	{"verify_timeout", "5m", "Time for the client's verdict (1104, 1105 or 1106) after it was sent the CRC.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.VerifyTimeout })},
	{"output_timeout", "30s", "Time for a client to read its answer.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.OutputTimeout })},
	{"minimum_body_rate", "1KiB", "Content a client must send in each second while it is read. 0 means no minimum.",
		size(0, 1*GiB, func(c *Config) *int64 { return &c.MinimumBodyRate })},
	{"short_registration_grace", "40ms", "Time after which a registration without its full name field counts as complete.",
		duration(shortest, time.Second, func(c *Config) *time.Duration { return &c.ShortRegistrationGrace })},
	{"key_lifetime", "10m", "Time for which a client's AES key is kept after its connection ended. 0 means not at all.",
		duration(0, longest, func(c *Config) *time.Duration { return &c.KeyLifetime })},
	{"drain_timeout", "30s", "Time for uploads to finish when the server stops.",
		duration(0, longest, func(c *Config) *time.Duration { return &c.DrainTimeout })},
	{"sweep_interval", "10m", "Time between two searches for what failed uploads left. 0 means at start only.",
		duration(0, longest, func(c *Config) *time.Duration { return &c.SweepInterval })},

	{"proxy_protocol_from", "", "Networks whose connections start with a PROXY protocol header.",
		networks(func(c *Config) *[]netip.Prefix { return &c.ProxyProtocolFrom })},

	{"storage.rows", "sqlite", "Where rows are: `sqlite`, a database below `data_dir`, or `postgres`, which nodes share. See CLUSTER.md.",
		oneOf(func(c *Config) *StorageRows { return &c.Storage.Rows }, RowsSQLite, RowsPostgres)},
	{"storage.postgres", "", "Connection to PostgreSQL, `postgres://user:password@host:port/database` or `host=… dbname=…`. It is shown nowhere.",
		secret(func(c *Config) *string { return &c.Storage.Postgres })},
	{"storage.postgres_file", "", "File that holds the connection to PostgreSQL on its only line, instead of `storage.postgres`.",
		optionalPath(func(c *Config) *string { return &c.Storage.PostgresFile })},
	{"storage.content", "disk", "Where content is: `disk`, below `data_dir`, or `s3`, a store that nodes share. With `storage.rows` `postgres` it is `s3`.",
		oneOf(func(c *Config) *StorageContent { return &c.Storage.Content }, ContentDisk, ContentS3)},
	{"storage.lease", "30s", "Time for which a node may be cut off from PostgreSQL before other nodes end its uploads.",
		duration(3*time.Second, time.Hour, func(c *Config) *time.Duration { return &c.Storage.Lease })},

	{"s3.endpoint", "", "Store for content, `https://host` or `http://host:port`. Credentials come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, from a file, or from the machine's role.",
		line(func(c *Config) *string { return &c.S3.Endpoint })},
	{"s3.bucket", "", "Bucket, which must exist.",
		line(func(c *Config) *string { return &c.S3.Bucket })},
	{"s3.prefix", "", "Prefix of all objects in the bucket, without slashes around it.",
		line(func(c *Config) *string { return &c.S3.Prefix })},
	{"s3.region", "", "Region. An empty text means that the store is asked.",
		line(func(c *Config) *string { return &c.S3.Region })},
	{"s3.credentials_file", "", "File with credentials in the format of the AWS tools. An empty text means where these have it.",
		optionalPath(func(c *Config) *string { return &c.S3.CredentialsFile })},
	{"s3.ca_file", "", "File of PEM certificates that are trusted for the endpoint, beside the system's.",
		optionalPath(func(c *Config) *string { return &c.S3.CAFile })},
	{"s3.part_size", "8MiB", "Size of a part of a large file. A store takes 10000 parts.",
		size(5*MiB, 5*GiB, func(c *Config) *int64 { return &c.S3.PartSize })},
	{"s3.memory", "64MiB", "Parts held in memory, over all uploads; more go to `s3.spool_dir`.",
		size(1*MiB, 1024*GiB, func(c *Config) *int64 { return &c.S3.Memory })},
	{"s3.spool_dir", "", "Folder for parts that find no memory. An empty text means the system's for temporary files.",
		optionalPath(func(c *Config) *string { return &c.S3.SpoolDir })},
	{"s3.timeout", "1m", "Time for one call with its repetitions.",
		duration(time.Second, time.Hour, func(c *Config) *time.Duration { return &c.S3.Timeout })},

	{"quota.client_bytes", "0", "Bytes of one client: verified files, kept versions and uploads under way. 0 means no limit.",
		size(0, 1<<20*GiB, func(c *Config) *int64 { return &c.Quota.ClientBytes })},
	{"quota.client_files", "0", "Files of one client, counted in the same way. 0 means no limit.",
		integer(0, 1_000_000_000, func(c *Config) *int { return &c.Quota.ClientFiles })},
	{"quota.total_bytes", "0", "Bytes of all clients together. 0 means no limit.",
		size(0, 1<<20*GiB, func(c *Config) *int64 { return &c.Quota.TotalBytes })},
	{"quota.total_files", "0", "Files of all clients together. 0 means no limit.",
		integer(0, 1_000_000_000, func(c *Config) *int { return &c.Quota.TotalFiles })},
	{"quota.free_space", "0", "Space that uploads leave free on the disk of `data_dir`. One that would leave less is refused at its head. 0 means none.",
		size(0, 1<<20*GiB, func(c *Config) *int64 { return &c.Quota.FreeSpace })},
	{"retention.max_age", "0s", "Age at which a verified file is removed with its earlier versions, at the next sweep (`sweep_interval`). 0 means never.",
		duration(0, 10*366*longest, func(c *Config) *time.Duration { return &c.Retention.MaxAge })},
	{"retention.max_files", "0", "Verified files of each client that are kept, those that were verified last. 0 means all.",
		integer(0, 1_000_000_000, func(c *Config) *int { return &c.Retention.MaxFiles })},

	{"hooks.command", "", "Program that is run for each verified file, with the file as JSON on its standard input. See HOOKS.md.",
		optionalPath(func(c *Config) *string { return &c.Hooks.Command })},
	{"hooks.url", "", "URL that each verified file is posted to as JSON.",
		optionalURL(func(c *Config) *string { return &c.Hooks.URL })},
	{"hooks.secret_file", "", "File with the secret that requests to `hooks.url` are signed with.",
		optionalPath(func(c *Config) *string { return &c.Hooks.SecretFile })},
	{"hooks.timeout", "10s", "Time for a hook to take a file.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.Hooks.Timeout })},
	{"hooks.attempts", "50", "Attempts to tell a hook of a file before it is given up. They come less and less often, at last every 10 minutes.",
		integer(1, 100_000, func(c *Config) *int { return &c.Hooks.Attempts })},

	{"tls.certificate", "", "Certificate of the server with its chain, PEM. It makes the server listen with TLS 1.3, too. Read again when it changes, and at SIGHUP.",
		optionalPath(func(c *Config) *string { return &c.TLS.Certificate })},
	{"tls.key", "", "Private key of `tls.certificate`, PEM.",
		optionalPath(func(c *Config) *string { return &c.TLS.Key })},
	{"tls.client_ca", "", "CAs whose certificates clients may show, PEM. Without it none is asked for.",
		optionalPath(func(c *Config) *string { return &c.TLS.ClientCA })},
	{"tls.client_certificate", "optional", "Whether a client must show a certificate by `tls.client_ca`.",
		oneOf(func(c *Config) *ClientCertificate { return &c.TLS.ClientCertificate }, ClientCertificateOptional, ClientCertificateRequired)},
	{"tls.address", "", "Address to listen on with TLS. Without it `server_ip_address`.",
		optionalAddress(func(c *Config) *netip.Addr { return &c.TLS.Address })},
	{"tls.port", "1235", "Port to listen on with TLS; 0 takes a free one. With `require_tls` and without a value of its own, it is the server's port.",
		integer(0, 65535, func(c *Config) *uint16 { return &c.TLS.Port })},
	{"tls.handshake_timeout", "10s", "Time for the TLS handshake, from the first packet of the connection.",
		duration(shortest, longest, func(c *Config) *time.Duration { return &c.TLS.HandshakeTimeout })},
	{"require_tls", "false", "Listen with TLS only.",
		boolean(func(c *Config) *bool { return &c.RequireTLS })},
	{"confine", "auto", "Whether the server gives up, once it has started, what it does not need: `auto` as far as the kernel can, `require` ends where it cannot, `off` not at all.",
		oneOf(func(c *Config) *Confine { return &c.Confine }, ConfineAuto, ConfineOff, ConfineRequire)},

	{"log.level", "info", "Least severe level that is logged.",
		oneOf(func(c *Config) *LogLevel { return &c.Log.Level }, LevelDebug, LevelInfo, LevelWarn, LevelError)},
	{"log.format", "auto", "Form of a log line. `auto`: for people at a terminal, else JSON.",
		oneOf(func(c *Config) *LogFormat { return &c.Log.Format }, FormatAuto, FormatJSON, FormatText)},
	{"log.file", "", "File that the log is written to instead of standard error, which then gets lines of level error only. SIGHUP opens it again.",
		optionalPath(func(c *Config) *string { return &c.Log.File })},
	{"log.max_size", "100MiB", "Size at which `log.file` is put aside for a new one, rounded up to whole MiB. 0 means never.",
		size(0, 1024*GiB, func(c *Config) *int64 { return &c.Log.MaxSize })},
	{"log.rotate_interval", "0s", "Time after which `log.file` is put aside for a new one. 0 means never.",
		duration(0, 366*longest, func(c *Config) *time.Duration { return &c.Log.RotateInterval })},
	{"log.max_age", "0s", "Age at which old log files are removed, rounded up to whole days. 0 means never.",
		duration(0, 10*366*longest, func(c *Config) *time.Duration { return &c.Log.MaxAge })},
	{"log.max_backups", "10", "Old log files that are kept. 0 means all.",
		integer(0, 100_000, func(c *Config) *int { return &c.Log.MaxBackups })},
	{"log.compress", "gzip", "How old log files are compressed.",
		oneOf(func(c *Config) *LogCompress { return &c.Log.Compress }, CompressNone, CompressGzip, CompressZstd)},

	{"admin.address", "127.0.0.1:12340", "Address and port of metrics, health checks, profiles and the live page; port 0 takes a free one, an empty text is none. Nobody logs in there. Where it is in use, the server runs without and tries again.",
		optionalAddrPort(func(c *Config) *netip.AddrPort { return &c.Admin.Address })},
	{"admin.hosts", "", "Names that a request to `admin.address` may call it by, besides `localhost` and addresses.",
		hosts(func(c *Config) *[]string { return &c.Admin.Hosts })},
}

// find returns the setting named key.
func find(key string) (setting, bool) {
	for _, s := range settings {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

// environmentPrefix starts the name of every environment variable of the server.
const environmentPrefix = "SEALQUAY_"

// variable is the environment variable that sets s.
func (s setting) variable() string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// split makes words of the one text of a flag or an environment variable.
func (s setting) split(text string) []string {
	if s.shape() != shapeList {
		return []string{text}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
