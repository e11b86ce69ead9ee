// Package postgres starts PostgreSQL servers for tests and proofs: real ones,
// each in a directory of its own, on the loopback interface, as a user without
// privileges, and ends them by their process id.
package postgres
