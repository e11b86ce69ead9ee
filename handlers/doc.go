// Package handlers knows what each request means. A [Session] is one
// connection's conversation: registration, key exchange, receiving a file, and
// what the client says of its CRC. It knows nothing of sockets and event loops,
// nor of SQL.
//
// One file handles one message, named as in package codec. clients.go holds
// what outlives a connection: the latest AES key and the received files of each
// client, for clients that open a connection for each request (PROTOCOL.md
// section 3, row 7).
package handlers
