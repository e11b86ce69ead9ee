// Package crypt is the cryptography of the protocol as pure computation: the
// key exchange (RSA-1024 OAEP around an AES-128 key), the content (AES-128-CBC
// with PKCS#7 padding, decrypted or encrypted as it passes) and the two
// checksums over it (CRC-32 and POSIX cksum). It knows no sockets, files or
// messages. docs/PROTOCOL.md section 1, "Cryptography", is its specification.
//
// The algorithms are the protocol's: clients that cannot be changed speak it.
// CBC without authentication, a fixed IV and RSA-1024 protect content against
// a passive listener and against accidental damage, not against an active
// attacker.
//
// CBC decryption and cksum have assembly kernels for amd64, chosen by the
// CPU's features when they are used. The build tag purego leaves them out.
package crypt
