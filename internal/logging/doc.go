// Package logging writes the log: one JSON object a line for programs, aligned lines for people at a terminal.
//
// Every line names an [Event] of a closed list, which gives it its level and its constant message; what differs from
// line to line stands in flat fields, made by the constructors of fields.go. docs/LOGGING.md is made from the
// comments of event.go, reason.go and fields.go.
package logging
