// Package crypt is the cryptography of the protocol as pure computation: the
// key exchange (RSA-1024 OAEP around an AES-128 key), the content (AES-128-CBC
// with PKCS#7 padding, decrypted or encrypted as it passes) and the two
// checksums over it (CRC-32 and POSIX cksum). It knows no sockets, files or
// messages. docs/PROTOCOL.md section 1, "Cryptography", is its specification.
//
// The algorithms are the protocol's, for clients that cannot be changed. CBC
// without authentication, a fixed IV and RSA-1024 keep content from a listener
// and show accidental damage. They do not stop an attacker who changes what is
// sent. What can be withheld from one is withheld: content with bad padding
// is answered like any other. What cannot be is that true checksums are linear:
// whoever gets those of many related contents under one key can tell them from
// made-up ones.
//
// CBC and the checksums have assembly kernels for amd64, chosen by the CPU's
// features. The build tag purego leaves them out, and
// GODEBUG=cpu.aes=off,cpu.pclmulqdq=off passes them over in a program that has them;
// cpu.avx512f=off only those of 512-bit registers, cpu.avx2=off those of 256 bits.
package crypt
