// Package codec turns bytes into requests and responses, and back, in both
// dialects of the protocol (docs/PROTOCOL.md). It knows no sockets, no storage
// and no cryptography, and imports the standard library only.
//
// Both decoders are sans-IO: the caller feeds bytes in any split and receives
// events. The same [Decoder] therefore serves the event loops, the fuzzer and
// the tests; [ResponseDecoder] is its counterpart in the client. Neither ever
// allocates by a size that the peer declared.
//
// A message has one file: registration.go, public_key.go, encrypted_file.go,
// crc_validation.go hold the request and the responses to it. messages.go is
// the table of all of them; a test holds it against the tables of the document.
package codec
