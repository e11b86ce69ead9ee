// Package hooks tells others of verified files: a command that is run, or a URL
// that is posted to. What is to be told comes from an [Outbox], which is a table
// of the database, so that every file is told at least once whatever crashes.
package hooks
