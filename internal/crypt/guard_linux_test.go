package crypt

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// guarded returns a page of memory with unreadable pages on both sides.
func guarded(t *testing.T) []byte {
	t.Helper()
	size := os.Getpagesize()
	pages, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(pages) })
	for _, guard := range [][]byte{pages[:size], pages[2*size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return pages[size : 2*size : 2*size]
}

// No kernel touches a byte outside of what it is given: it would crash here.
func TestKernelsStayInside(t *testing.T) {
	page := guarded(t)
	key := NewKey()
	content := patterned(len(page))
	for name, d := range cbcDecrypters() {
		for n := 0; n <= len(page); n += blockSize {
			want := decryptStandard(&key, make([]byte, 16), content[:n])
			for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
				copy(p, content)
				d.reset(&key)
				d.decrypt(p)
				if !bytes.Equal(p, want) {
					t.Fatalf("%s: %d bytes come out wrong", name, n)
				}
				copy(p, content)
				o := &Opener{cbc: d}
				o.Reset(&key)
				if o.open(p); !bytes.Equal(p, want) || o.sums.Sums() != sumsOf(want) {
					t.Fatalf("%s: %d bytes are opened wrong", name, n)
				}
			}
		}
	}
	for name, e := range cbcEncrypters() {
		for n := 0; n <= len(page); n += blockSize {
			for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
				copy(p, content)
				e.reset(&key)
				e.encrypt(p, p)
				if !bytes.Equal(decryptStandard(&key, make([]byte, 16), p), content[:n]) {
					t.Fatalf("%s: %d bytes come out wrong", name, n)
				}
			}
		}
	}
	for name, update := range sumsUpdaters() {
		for n := range len(page) + 1 {
			for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
				crc, cksum := update(1, 2, p)
				if wantCRC, wantCksum := updateSumsGeneric(1, 2, p); crc != wantCRC || cksum != wantCksum {
					t.Fatalf("%s: the sums of %d bytes are wrong", name, n)
				}
			}
		}
	}
}
