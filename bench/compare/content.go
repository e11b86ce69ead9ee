package main

import "io"

// content is size bytes that cost nothing to make: one random-looking block,
// again and again.
type content struct {
	block []byte
	size  int64
}

func newContent(size int64) *content {
	c := &content{block: make([]byte, 1<<20), size: size}
	x := uint32(1)
	for i := range c.block {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		c.block[i] = byte(x)
	}
	return c
}

// ReadAt fills p with the content at offset.
func (c *content) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && offset < c.size {
		k := copy(p[n:min(int64(len(p)), int64(n)+c.size-offset)], c.block[offset%int64(len(c.block)):])
		n += k
		offset += int64(k)
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// writeTo writes all of it, in pieces of 256 KiB.
func (c *content) writeTo(w io.Writer) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, c.reader(), make([]byte, 256<<10))
	return err
}

func (c *content) reader() *io.SectionReader { return io.NewSectionReader(c, 0, c.size) }
