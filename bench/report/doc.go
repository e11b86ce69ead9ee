// Package report presents the results of package bench: as a table for people
// (text.go), as JSON, CSV and an HdrHistogram log for programs (files.go), as
// one HTML page with charts that needs no network (html.go). It judges
// conditions on a result (condition.go) and compares two (compare.go).
package report
