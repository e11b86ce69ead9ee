package persistence

import "hash/crc32"

func sumsOf(content []byte) Sums {
	return Sums{CRC32: crc32.ChecksumIEEE(content), Cksum: crc32.ChecksumIEEE(content) ^ 1}
}
