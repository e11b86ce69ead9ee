// Package s3server starts S3 servers for tests and proofs: real ones
// (versitygw on a directory), each with one bucket, on the loopback interface,
// and ends them by their process id.
package s3server
