package metrics

import (
	"strconv"
	"time"

	"github.com/sealquay/sealquay/handlers"
	"github.com/sealquay/sealquay/internal/logging"
	"github.com/sealquay/sealquay/internal/measure"
)

// kind is the type of a metric, by Prometheus' name.
type kind string

const (
	gauge     kind = "gauge"
	counter   kind = "counter"
	histogram kind = "histogram"
)

// family is one metric, with all values of its labels.
type family struct {
	name   string // without the namespace
	kind   kind
	labels []string
	help   string
	show   func(*figures, emitter)
}

// families is every metric beside Go's and the process's, in the order of the
// document.
var families = []family{
	{"build_info", gauge, []string{"version", "goversion"}, "1; the labels say which program this is.",
		func(n *figures, e emitter) { e.value(1, n.version, n.goes) }},
	{"draining", gauge, nil, "1 while the server lets uploads finish before it ends.",
		one(func(n *figures) int64 { return truth(n.reactor.Draining) })},

	{"connections_open", gauge, nil, "Connections that are open.",
		one(func(n *figures) int64 { return n.reactor.Open })},
	{"connections_max", gauge, nil, "Connections that may be open at once (max_connections, or what the descriptors carry).",
		one(func(n *figures) int64 { return n.reactor.MaxConnections })},
	{"connections_accepted_total", counter, nil, "Connections that were accepted, those refused next among them.",
		one(func(n *figures) int64 { return n.reactor.Accepted })},
	{"connections_refused_total", counter, []string{"reason"}, "Connections that were closed before they could say anything.",
		byReason(func(n *figures) map[logging.Reason]int64 { return n.reactor.Refused })},
	{"connections_closed_total", counter, []string{"reason"}, "Connections that ended, by what ended them; client_closed is the ordinary end.",
		byReason(func(n *figures) map[logging.Reason]int64 { return n.reactor.Closed })},
	{"connections_paused", gauge, nil, "Connections that are not read now, because too much of them waits or memory is short; one that a worker reads is not counted.",
		one(func(n *figures) int64 { return n.reactor.Paused })},
	{"connection_pauses_total", counter, nil, "How often a connection was paused.",
		one(func(n *figures) int64 { return n.reactor.Pauses })},
	{"sessions_total", counter, nil, "Connections that ended after at least one request.",
		one(func(n *figures) int64 { return n.reactor.Sessions })},
	{"received_bytes_total", counter, nil, "Bytes read from connections.",
		one(func(n *figures) int64 { return n.reactor.BytesIn })},
	{"sent_bytes_total", counter, nil, "Bytes of answers.",
		one(func(n *figures) int64 { return n.reactor.BytesOut })},

	{"limit_hits_total", counter, []string{"reason"}, "How often a limit on abuse refused something.",
		byReason(func(n *figures) map[logging.Reason]int64 { return n.reactor.LimitHits })},
	{"sources_penalized", gauge, nil, "Sources that misbehaved lately.",
		one(func(n *figures) int64 { return n.reactor.PenalizedSources })},
	{"sources_banned", gauge, nil, "Sources that are refused for a while.",
		one(func(n *figures) int64 { return n.reactor.BannedSources })},
	{"bans_total", counter, nil, "How often a source was banned.",
		one(func(n *figures) int64 { return n.reactor.Bans })},

	{"memory_used_bytes", gauge, nil, "Memory that holds content and requests.",
		one(func(n *figures) int64 { return n.reactor.Memory.Used })},
	{"memory_peak_bytes", gauge, nil, "The most of it that was ever in use.",
		one(func(n *figures) int64 { return n.reactor.Memory.Peak })},
	{"memory_budget_bytes", gauge, nil, "The most that may be (memory_budget).",
		one(func(n *figures) int64 { return n.reactor.Memory.Budget })},
	{"memory_waiting_connections", gauge, nil, "Connections that are not read until memory is free.",
		one(func(n *figures) int64 { return n.reactor.Memory.Waiting })},
	{"pool_queued_connections", gauge, []string{"pool"}, "Connections with work that waits for a goroutine.",
		func(n *figures, e emitter) {
			e.value(n.reactor.Content.Queued, "content")
			e.value(n.reactor.Requests.Queued, "requests")
		}},
	{"pool_running_goroutines", gauge, []string{"pool"}, "Goroutines at work: content costs processors, requests wait for the storage.",
		func(n *figures, e emitter) {
			e.value(n.reactor.Content.Running, "content")
			e.value(n.reactor.Requests.Running, "requests")
		}},
	{"pool_max_goroutines", gauge, []string{"pool"}, "The most goroutines there may be.",
		func(n *figures, e emitter) {
			e.value(n.reactor.Content.Max, "content")
			e.value(n.reactor.Requests.Max, "requests")
		}},
	{"panics_total", counter, nil, "Faults of the program that cost one connection.",
		one(func(n *figures) int64 { return n.reactor.Panics })},

	{"requests_total", counter, []string{"op", "status"}, "Requests by kind and answer; status 0 is no answer.", showRequests},
	{"request_refusals_total", counter, []string{"reason"}, "Requests that were refused or came to nothing.",
		byReason(func(n *figures) map[logging.Reason]int64 { return n.handlers.Refusals })},
	{"request_duration_seconds", histogram, []string{"op"}, "Time from a request's last byte to its answer; of encrypted_file, with the arrival of the content.",
		byOperation(func(o *handlers.Operation) *measure.TimesSnapshot { return &o.Duration })},
	{"request_queue_wait_seconds", histogram, []string{"op"}, "Time that a request waited for a goroutine.",
		byOperation(func(o *handlers.Operation) *measure.TimesSnapshot { return &o.QueueWait })},

	{"uploads_in_progress", gauge, nil, "Uploads whose content is arriving.",
		one(func(n *figures) int64 { return n.reactor.Uploads })},
	{"uploads_max", gauge, nil, "Uploads that may be under way at once (max_uploads, or what memory and descriptors carry).",
		one(func(n *figures) int64 { return n.reactor.MaxUploads })},
	{"content_bytes_total", counter, nil, "Bytes of content, decrypted, that were given to the storage.",
		one(func(n *figures) int64 { return n.handlers.Content })},
	{"files_received_total", counter, nil, "Files that arrived whole.",
		one(func(n *figures) int64 { return n.handlers.Received })},
	{"files_waiting", gauge, nil, "Files that wait for the client's verdict on their CRC.",
		one(func(n *figures) int64 { return n.handlers.Waiting })},
	{"files_verified_total", counter, nil, "Files that were acknowledged (2104 to 1104).",
		one(func(n *figures) int64 { return n.handlers.Verified })},
	{"verified_bytes_total", counter, nil, "Bytes of the files that were acknowledged.",
		one(func(n *figures) int64 { return n.handlers.StoredBytes })},
	{"files_rejected_total", counter, nil, "Files whose CRC the client did not accept (1105, 1106).",
		one(func(n *figures) int64 { return n.handlers.Rejected })},
	{"files_discarded_total", counter, nil, "Files that were removed before they were verified, rejected ones among them.",
		one(func(n *figures) int64 { return n.handlers.Discarded })},
	{"clients_remembered", gauge, nil, "Clients whose AES key is held.",
		one(func(n *figures) int64 { return n.handlers.Clients })},

	{"storage_ready", gauge, nil, "1 if the storage can store: it is tried out, at most once a second.",
		one(func(n *figures) int64 { return truth(n.ready) })},
	{"storage_faults_total", counter, []string{"kind"}, "Operations of the storage that failed: full for want of space, failed otherwise.",
		func(n *figures, e emitter) {
			e.value(n.store.FullFaults, "full")
			e.value(n.store.OtherFaults, "failed")
		}},
	{"storage_free_bytes", gauge, nil, "Free space of the file system of data_dir.",
		func(n *figures, e emitter) {
			if n.store.SpaceKnown {
				e.value(n.store.SpaceFree)
			}
		}},
	{"storage_size_bytes", gauge, nil, "Size of the file system of data_dir.",
		func(n *figures, e emitter) {
			if n.store.SpaceKnown {
				e.value(n.store.SpaceAll)
			}
		}},
	{"storage_database_bytes", gauge, nil, "Size of the embedded database and its log.",
		one(func(n *figures) int64 { return n.store.DatabaseBytes })},
	{"storage_uploads_open", gauge, nil, "Uploads that the storage holds: under way, or waiting for a verdict.",
		one(func(n *figures) int64 { return n.store.Uploads })},
	{"storage_removals_waiting", gauge, nil, "Contents that wait to be removed, counted up to 10000.",
		func(n *figures, e emitter) {
			if n.removalsKnown {
				e.value(n.removals)
			}
		}},
	{"quota_used_bytes", gauge, nil, "Bytes that count against quota.total_bytes, if it is set.",
		func(n *figures, e emitter) { e.used(n, n.bytes, n.quota.TotalBytes) }},
	{"quota_limit_bytes", gauge, nil, "quota.total_bytes, if it is set.",
		func(n *figures, e emitter) { e.limit(n.quota.TotalBytes) }},
	{"quota_used_files", gauge, nil, "Files that count against quota.total_files, if it is set.",
		func(n *figures, e emitter) { e.used(n, n.files, n.quota.TotalFiles) }},
	{"quota_limit_files", gauge, nil, "quota.total_files, if it is set.",
		func(n *figures, e emitter) { e.limit(n.quota.TotalFiles) }},
	{"storage_jobs_waiting", gauge, nil, "Changes of rows that wait for the commit before theirs.",
		one(func(n *figures) int64 { return n.store.Waiting })},
	{"storage_commit_jobs", histogram, nil, "Changes of rows that shared a commit.", showGroups},
	{"storage_commit_duration_seconds", histogram, nil, "Time of a transaction. On PostgreSQL with its flush and what is tried again; of the embedded database without the flush.",
		func(n *figures, e emitter) { e.times(&n.store.Commits) }},
	{"storage_flush_duration_seconds", histogram, []string{"what"}, "Time of a flush of content, of a directory's entries, or of the embedded database's log.",
		func(n *figures, e emitter) {
			e.times(&n.store.Flushes, "content")
			e.times(&n.store.Directory, "directory")
			e.times(&n.store.Log, "database")
		}},

	{"log_lines_dropped_total", counter, []string{"why"}, "Lines of the log that were left out: sampled as noise, or lost because they could not be written.",
		func(n *figures, e emitter) {
			e.value(n.sampled, "sampled")
			e.value(n.lost, "lost")
		}},
}

// one shows a metric without labels.
func one(of func(*figures) int64) func(*figures, emitter) {
	return func(n *figures, e emitter) { e.value(of(n)) }
}

func byReason(of func(*figures) map[logging.Reason]int64) func(*figures, emitter) {
	return func(n *figures, e emitter) {
		for reason, count := range of(n) {
			e.value(count, string(reason))
		}
	}
}

func byOperation(of func(*handlers.Operation) *measure.TimesSnapshot) func(*figures, emitter) {
	return func(n *figures, e emitter) {
		for i := range n.handlers.Operations {
			o := &n.handlers.Operations[i]
			e.times(of(o), o.Name)
		}
	}
}

func showRequests(n *figures, e emitter) {
	for _, o := range n.handlers.Operations {
		for status, count := range o.Statuses {
			if count > 0 || status == 0 { // most answers do not belong to most requests
				e.value(count, o.Name, strconv.Itoa(int(status)))
			}
		}
	}
}

func showGroups(n *figures, e emitter) {
	g := &n.store.Groups
	buckets := make(map[float64]uint64)
	g.Cumulative(func(bound, count int64) { buckets[float64(bound)] = uint64(count) })
	e.histogram(g.Count(), float64(g.Sum), buckets)
}

// used shows what counts against a limit.
func (e emitter) used(n *figures, count, limit int64) {
	if limit > 0 && n.usageKnown {
		e.value(count)
	}
}

func (e emitter) limit(limit int64) {
	if limit > 0 {
		e.value(limit)
	}
}

func (e emitter) times(s *measure.TimesSnapshot, labels ...string) {
	buckets := make(map[float64]uint64)
	s.Cumulative(func(bound time.Duration, count int64) { buckets[bound.Seconds()] = uint64(count) })
	e.histogram(s.Count(), s.Sum.Seconds(), buckets, labels...)
}

func truth(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
