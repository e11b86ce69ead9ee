package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sealquay/sealquay/internal/logging"
)

// Check returns what is wrong with a line, nothing if it is as docs/LOGGING.md describes it.
func Check(l *Line) (problems []string) {
	if err := strict(l.Raw); err != nil {
		return []string{"not a JSON object: " + logging.Visible(err.Error())}
	}
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !l.Valid() {
		return []string{"a name has escapes"}
	}
	for _, m := range l.fields {
		kind, known := logging.FieldKind(string(m.name))
		switch {
		case known && !isOfKind(m.value, kind):
			wrong("%s: found %s", m.name, logging.Visible(string(m.value)))
		case !known && string(l.Text("event")) != string(logging.LogOther):
			wrong("%s: no such field", logging.Visible(string(m.name)))
		}
	}
	for _, name := range []string{"ts", "level", "event", "msg"} {
		if !l.Has(name) {
			wrong("%s: missing", name)
		}
	}
	return append(problems, checkEvent(l)...)
}

// strict checks JSON's grammar, names that are there twice and invalid UTF-8.
func strict(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if d.PeekKind() != jsontext.KindBeginObject {
		return errNoObject
	}
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errNoObject
	}
	return nil
}

func isOfKind(value []byte, kind logging.Kind) bool {
	text := len(value) >= 2 && value[0] == '"'
	switch kind {
	case logging.KindInteger:
		_, err := strconv.ParseInt(string(value), 10, 64)
		return err == nil
	case logging.KindSeconds:
		_, err := strconv.ParseFloat(string(value), 64)
		return err == nil
	case logging.KindBoolean:
		return string(value) == "true" || string(value) == "false"
	case logging.KindMoment:
		if !text {
			return false
		}
		_, ok := canonicalTime(value[1:])
		return ok
	case logging.KindSeverity:
		_, ok := parseLevel(string(bytes.Trim(value, `"`)))
		return text && ok
	}
	return text
}

// needed are the fields of some events beside those of every line.
var needed = map[logging.Event][]string{
	logging.ServerReady: {"addr"},
	logging.ConnClose:   {"conn_id", "client_ip", "reason", "requests", "bytes_in", "bytes_out", "duration"},
	logging.RequestDone: {"conn_id", "request_id", "client_ip", "op", "op_code", "status", "bytes_in", "queue_wait", "duration"},
	logging.LimitHit:    {"reason", "count"},
	logging.Penalty:     {"client_ip", "reason", "duration"},

	logging.ClientRegistered: {"conn_id", "client_ip", "client_id", "client_name"},
	logging.ClientKeyChanged: {"conn_id", "client_ip", "client_id", "fingerprint", "old_fingerprint"},
	logging.FileVerified:     {"conn_id", "client_ip", "client_id", "file_name", "file_size"},
	logging.FileRejected:     {"conn_id", "client_ip", "client_id", "file_name", "reason"},
	logging.FileDiscarded:    {"conn_id", "client_ip", "client_id", "file_name", "reason"},

	logging.LogLost:    {"count"},
	logging.LogSampled: {"dropped_event", "count"},
}

// checkEvent checks what the event and the reason of a line say about its other fields.
func checkEvent(l *Line) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	event := logging.Event(l.Text("event"))
	if l.Has("event") && !event.Known() {
		return []string{"event: " + strconv.Quote(string(event)) + " is not known"}
	}
	for _, name := range needed[event] {
		if !l.Has(name) {
			wrong("%s: missing in %s", name, event)
		}
	}
	if msg := string(l.Text("msg")); l.Has("msg") && msg != event.Message() {
		wrong("msg: found %q; expected %q", msg, event.Message())
	}
	if level, known := l.Level(); known && level != event.Level() && event != logging.ServerReactor && event != logging.LogOther {
		wrong("level: found %s; expected %s", level, event.Level())
	}
	if event.IsAudit() && !l.Has("audit") {
		wrong("audit: missing in %s", event)
	}
	if reason := logging.Reason(l.Text("reason")); l.Has("reason") && !reason.Known() {
		wrong("reason: %q is not known", string(reason))
	} else if event == logging.RequestDone && reason.IsPolicy() != l.Has("audit") {
		wrong("audit: %v, for the reason %q", l.Has("audit"), string(reason))
	}
	return problems
}
