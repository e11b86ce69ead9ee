package handlers

import "github.com/sealquay/sealquay/internal/crypt"

// A Checksum is the configured way to choose the kind of CRC that a client is
// told.
type Checksum string

// The ways.
const (
	ChecksumAuto  Checksum = "auto" // found out for each client and remembered
	ChecksumCRC32 Checksum = "crc32"
	ChecksumCksum Checksum = "cksum"
)

// A rejection is what is remembered of an upload whose CRC the client did not
// accept.
type rejection struct {
	size int64
	sums crypt.Sums
	kind crypt.Kind
}

// choose returns the kind of CRC for content with these sums. When a client
// sends the same bytes again after it rejected their CRC, the transfer was
// right and the kind was not (PROTOCOL.md section 3, checksum).
func (c Checksum) choose(remembered string, last *rejection, size int64, sums crypt.Sums) crypt.Kind {
	switch {
	case c == ChecksumCRC32:
		return crypt.CRC32
	case c == ChecksumCksum:
		return crypt.Cksum
	case last != nil && last.size == size && last.sums == sums:
		return other(last.kind)
	case remembered == crypt.Cksum.String():
		return crypt.Cksum
	}
	return crypt.CRC32
}

func other(k crypt.Kind) crypt.Kind {
	if k == crypt.CRC32 {
		return crypt.Cksum
	}
	return crypt.CRC32
}
