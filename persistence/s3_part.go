package persistence

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// blockSize is in how many bytes memory for parts is given out: small enough
// that a thousand small files fit.
const blockSize = 64 << 10

// partMemory is the memory for the parts of all uploads together. Nobody waits
// for it, because those who have some may themselves wait for slow clients: a
// part that gets none goes on in a file.
type partMemory struct {
	left   atomic.Int64 // blocks
	blocks sync.Pool    // *[blockSize]byte
	dir    string       // of the files
}

func newPartMemory(bytes int64, dir string) *partMemory {
	m := &partMemory{dir: dir}
	m.left.Store(bytes / blockSize)
	m.blocks.New = func() any { return new([blockSize]byte) }
	return m
}

// try makes a file, as a part does that finds no memory.
func (m *partMemory) try() error {
	file, err := nameless(m.dir)
	if err != nil {
		return err
	}
	return file.Close()
}

// take returns a block, or nil when all are in use.
func (m *partMemory) take() *[blockSize]byte {
	if m.left.Add(-1) < 0 {
		m.left.Add(1)
		return nil
	}
	return m.blocks.Get().(*[blockSize]byte)
}

func (m *partMemory) give(block *[blockSize]byte) {
	m.blocks.Put(block)
	m.left.Add(1)
}

// part is a piece of content that is sent with one request, perhaps again and
// again: first the blocks it got, then a file without a name.
type part struct {
	memory *partMemory
	blocks []*[blockSize]byte
	file   *os.File // nil while there was memory
	size   int64
	crc    uint32
}

func (p *part) write(content []byte) error {
	p.crc = crc32.Update(p.crc, crc32.IEEETable, content)
	for len(content) > 0 && p.file == nil {
		used := p.size % blockSize
		if used == 0 {
			block := p.memory.take()
			if block == nil {
				break
			}
			p.blocks = append(p.blocks, block)
		}
		n := copy(p.blocks[len(p.blocks)-1][used:], content)
		p.size += int64(n)
		content = content[n:]
	}
	if len(content) == 0 {
		return nil
	}
	return p.spool(content)
}

func (p *part) spool(content []byte) (err error) {
	if p.file == nil {
		if p.file, err = nameless(p.memory.dir); err != nil {
			return err
		}
	}
	n, err := p.file.WriteAt(content, p.size-p.inMemory())
	p.size += int64(n)
	return err
}

func (p *part) inMemory() int64 { return min(p.size, int64(len(p.blocks))*blockSize) }

// nameless opens a file that is gone when it is closed.
func nameless(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "sealquay-part-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// release gives back what the part holds; nobody may be reading it.
func (p *part) release() error {
	for _, block := range p.blocks {
		p.memory.give(block)
	}
	p.blocks = nil
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

func (p *part) checksum() string { return checksumText(p.crc) }

// checksumText is a CRC-32 as S3 writes it: Base64 of its bytes, the highest first.
func checksumText(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

// reader reads the part from its start; several may at the same time.
func (p *part) reader() io.ReadSeeker { return io.NewSectionReader(p, 0, p.size) }

// ReadAt is for reader.
func (p *part) ReadAt(to []byte, at int64) (n int, err error) {
	for n < len(to) && at < p.inMemory() {
		end := min(p.inMemory()-at/blockSize*blockSize, blockSize)
		read := copy(to[n:], p.blocks[at/blockSize][at%blockSize:end])
		n, at = n+read, at+int64(read)
	}
	if n == len(to) {
		return n, nil
	}
	if p.file == nil {
		return n, io.EOF
	}
	more, err := p.file.ReadAt(to[n:], at-p.inMemory())
	return n + more, err
}
