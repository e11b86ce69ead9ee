// Package certificate keeps the TLS side of the server: it reads the
// certificate, its key and the CAs of clients from their files, takes new ones
// when the files change, and makes a certificate that signs itself for trying.
package certificate
