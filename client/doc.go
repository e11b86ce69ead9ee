// Package client is the client's side of the protocol (docs/PROTOCOL.md): it
// registers, exchanges keys, sends files and judges the CRC that comes back.
//
// There are two levels. [Transfer] is the whole conversation of the command
// `send`, by transfer.info and me.info. [Session] is one connection, request by
// request; it needs no goroutine of its own, so that one process can hold
// thousands.
//
// A message has one file, named as in package codec: registration.go,
// public_key.go, encrypted_file.go, crc_validation.go. me_info.go and
// transfer_info.go are the two files beside the program. seed.go is what the
// seed's own server needs.
package client
