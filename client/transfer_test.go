package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// A folder is one in which `send` is called.
type folder struct {
	t    *testing.T
	path string
}

func newFolder(t *testing.T, server string, file string) folder {
	f := folder{t, t.TempDir()}
	f.write(TransferInfoName, []byte(server+"\r\nann\r\n"+file))
	return f
}

func (f folder) write(name string, content []byte) string {
	f.t.Helper()
	path := filepath.Join(f.path, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f folder) me() MeInfo {
	f.t.Helper()
	m, err := ReadMeInfo(filepath.Join(f.path, MeInfoName))
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

// writeMe leaves an identity with the given id.
func (f folder) writeMe(id byte) MeInfo {
	f.t.Helper()
	m, err := ParseMeInfo(readTestdata(f.t, "ours.me.info"))
	if err != nil {
		f.t.Fatal(err)
	}
	m.Name, m.ID = "ann", codec.ClientID(bytes.Repeat([]byte{id}, 16))
	if err := m.Write(filepath.Join(f.path, MeInfoName)); err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f folder) transfer() Transfer {
	return Transfer{Dir: f.path, Options: Options{Timeout: 10 * time.Second, Pause: 100 * time.Millisecond}}
}

func random(size int) []byte {
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	return content
}

// Sizes about a block, and about what fits into one or two buffers with the
// 298 bytes of the request.
var sizes = []int{0, 1, 15, 16, 17, smallRoom - 1, smallRoom, largeRoom - 1, largeRoom, largeRoom + 1,
	largeRoom + largeBuffer - 1, largeRoom + largeBuffer, 1 << 20}

const (
	smallRoom = (smallBuffer - 298) &^ 15
	largeRoom = (largeBuffer - 298) &^ 15
)

func (f folder) files() (paths []string) {
	for _, size := range sizes {
		paths = append(paths, f.write(fmt.Sprintf("file %d", size), random(size)))
	}
	return paths
}

func TestEverySizeInOneSession(t *testing.T) {
	for _, split := range []int{0, 1} {
		t.Run(fmt.Sprintf("responses split at %d", split), func(t *testing.T) {
			server := newDocumentedServer(t)
			server.split = split
			f := newFolder(t, server.address(), "unused")
			transfer := f.transfer()
			transfer.Files = f.files()
			done := map[string]int64{}
			transfer.Progress = func(path string, sent, size int64) { done[path] = sent }

			results, err := transfer.Send(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			server.finish()
			for i, r := range results {
				content := random(sizes[i])
				want := Receipt{fmt.Sprintf("file %d", sizes[i]), int64(sizes[i]), crc32.ChecksumIEEE(content), "crc32", 1}
				if r.Receipt != want || r.Err != nil {
					t.Errorf("receipt %+v, %v; want %+v", r.Receipt, r.Err, want)
				}
				if !bytes.Equal(server.stored[want.Name], content) {
					t.Errorf("%s arrived changed", want.Name)
				}
				if done[r.Path] != want.Size {
					t.Errorf("progress of %s ended at %d", want.Name, done[r.Path])
				}
			}
			if codes := server.codes(); codes[0] != 1100 || codes[1] != 1101 || len(codes) != 2+2*len(sizes) {
				t.Errorf("requests %v", codes)
			}
		})
	}
}

// Every byte of every request of a first run, from the tables of the document.
func TestRequestsAreAsDocumented(t *testing.T) {
	server := newDocumentedServer(t)
	server.change = func(r received, response []byte) []byte {
		if r.code == 1103 && r.nth == 1 {
			response[len(response)-1]++
		}
		return response
	}
	f := newFolder(t, server.address(), "a b.txt")
	f.write("a b.txt", []byte("hello"))
	if _, err := f.transfer().Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.finish()
	me := f.me()
	id := me.ID[:]
	text := func(s string) []byte { return append([]byte(s), make([]byte, 255-len(s))...) }
	file := slices.Concat(id, []byte{16, 0, 0, 0}, text("a b.txt"))
	verdict := slices.Concat(id, text("a b.txt"))
	want := []struct {
		code  uint16
		id    []byte
		size  uint32
		fixed []byte
	}{
		{1100, make([]byte, 16), 255, text("ann")},
		{1101, id, 415, slices.Concat(text("ann"), me.Key.public[:])},
		{1103, id, 275 + 16, file},
		{1105, id, 271, verdict},
		{1103, id, 275 + 16, file},
		{1104, id, 271, verdict},
	}
	if len(server.requests) != len(want) {
		t.Fatalf("requests %v", server.codes())
	}
	for i, w := range want {
		r := server.requests[i]
		if r.version != 3 || r.code != w.code || !bytes.Equal(r.id[:], w.id) || r.size != w.size || !bytes.Equal(r.fixed, w.fixed) {
			t.Errorf("request %d: %+v\nwant %+v", i, r, w)
		}
		if r.code == 1103 && string(r.plain) != "hello" {
			t.Errorf("content %q", r.plain)
		}
	}
}

func TestRetries(t *testing.T) {
	accepted := func(tries int, codes ...uint16) func(*testing.T, *documentedServer, []Result, error) {
		return func(t *testing.T, s *documentedServer, results []Result, err error) {
			if err != nil || results[0].Receipt.Tries != tries {
				t.Errorf("%+v, %v; want %d tries", results, err, tries)
			}
			if !slices.Equal(s.codes(), codes) {
				t.Errorf("requests %v, want %v", s.codes(), codes)
			}
		}
	}
	tests := []struct {
		wrong int
		check func(*testing.T, *documentedServer, []Result, error)
	}{
		{1, accepted(2, 1100, 1101, 1103, 1105, 1103, 1104, 1103, 1104)},
		{2, accepted(3, 1100, 1101, 1103, 1105, 1103, 1105, 1103, 1104, 1103, 1104)},
		{3, accepted(4, 1100, 1101, 1103, 1105, 1103, 1105, 1103, 1105, 1103, 1104, 1103, 1104)},
		{4, func(t *testing.T, s *documentedServer, results []Result, err error) {
			if !errors.Is(err, ErrChecksum) || results[0].Err == nil || results[1].Err != nil {
				t.Errorf("%+v, %v", results, err)
			}
			// the AES key is gone with the file: the next one has another
			want := []uint16{1100, 1101, 1103, 1105, 1103, 1105, 1103, 1105, 1103, 1106, 1101, 1103, 1104}
			if !slices.Equal(s.codes(), want) {
				t.Errorf("requests %v, want %v", s.codes(), want)
			}
			if _, kept := s.stored["a"]; kept || string(s.stored["b"]) != "2" {
				t.Errorf("stored %v", s.stored)
			}
		}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.wrong, " wrong"), func(t *testing.T) {
			server := newDocumentedServer(t)
			server.change = func(r received, response []byte) []byte {
				if r.code == 1103 && r.nth <= test.wrong {
					response[len(response)-2] ^= 0x40
				}
				return response
			}
			f := newFolder(t, server.address(), "")
			transfer := f.transfer()
			transfer.Files = []string{f.write("a", []byte("1")), f.write("b", []byte("2"))}
			results, err := transfer.Send(t.Context())
			server.finish()
			test.check(t, server, results, err)
		})
	}
}

// The value is that of `printf 123456789 | cksum`.
func TestPOSIXCksumIsTaken(t *testing.T) {
	server := newDocumentedServer(t)
	server.change = func(r received, response []byte) []byte {
		if r.code == 1103 {
			binary.LittleEndian.PutUint32(response[len(response)-4:], 930766865)
		}
		return response
	}
	f := newFolder(t, server.address(), "digits")
	f.write("digits", []byte("123456789"))
	results, err := f.transfer().Send(t.Context())
	if want := (Receipt{"digits", 9, 930766865, "cksum", 1}); err != nil || results[0].Receipt != want {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestRefusalsAndCuts(t *testing.T) {
	tests := []struct {
		code  uint16
		wrong int // CRCs
		want  *Problem
	}{
		{1100, 0, ErrNameTaken}, {1101, 0, ErrRefused}, {1103, 0, ErrRefused}, {1104, 0, ErrRefused},
		{1105, 1, ErrRefused}, {1106, 4, ErrRefused},
	}
	for _, test := range tests {
		for _, cut := range []bool{false, true} {
			name := fmt.Sprintf("%d refused", test.code)
			if cut {
				name = fmt.Sprintf("cut after %d", test.code)
			}
			t.Run(name, func(t *testing.T) {
				server := newDocumentedServer(t)
				server.change = func(r received, response []byte) []byte {
					switch {
					case r.code == test.code && cut:
						return nil
					case r.code == test.code:
						return documented(2101)
					case r.code == 1103 && r.nth <= test.wrong:
						response[len(response)-1]++
					}
					return response
				}
				want := test.want
				if cut {
					want = ErrConnection
				}
				f := newFolder(t, server.address(), "")
				transfer := f.transfer()
				transfer.Files = []string{f.write("a", []byte("1")), f.write("b", []byte("2"))}
				results, err := transfer.Send(t.Context())
				server.finish()
				problem, ok := errors.AsType[*Error](err)
				if !ok || problem.Problem != want || problem.Request != codec.Code(test.code) {
					t.Fatalf("%+v, error %v; want %v", results, err, want)
				}
				if !errors.Is(results[0].Err, want) || !errors.Is(results[1].Err, ErrNotSent) {
					t.Errorf("%+v", results)
				}
				if Hint(err) == "" {
					t.Error("no hint")
				}
				if last := server.requests[len(server.requests)-1]; last.code != test.code {
					t.Errorf("requests %v: the conversation went on", server.codes())
				}
			})
		}
	}
}

func TestResponsesAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		change func(r received, response []byte) []byte
		found  string
	}{
		{"no id", on(1100, func([]byte) []byte { return documented(2100, make([]byte, 16)) }), "all zeros"},
		{"another's key", on(1101, flip(7)), "not a1a1"},
		{"key does not open", on(1101, flip(7+16+5)), "does not decrypt"},
		{"another's file", on(1103, flip(7)), "not a1a1"},
		{"another content size", on(1103, flip(7+16)), "for 17 bytes of content, not 16"},
		{"another file name", on(1103, flip(7+20)), `not "a"`},
		{"name without NUL", on(1103, func(r []byte) []byte {
			return append(append(r[:27:27], bytes.Repeat([]byte("n"), 255)...), r[282:]...)
		}), "no NUL"},
		{"unknown code", on(1103, flip(2)), "unknown code"},
		{"another response", on(1103, func([]byte) []byte { return documented(2104) }), "answered with 2104"},
		{"too short", on(1104, func([]byte) []byte { return documented(2103, make([]byte, 10)) }), "payload of 10 bytes"},
		{"two responses", on(1104, func(r []byte) []byte { return append(r, r...) }), "answered twice"},
		{"another protocol", on(1100, func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }), "unknown code"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newDocumentedServer(t)
			server.change = test.change
			f := newFolder(t, server.address(), "a")
			f.write("a", []byte("1"))
			_, err := f.transfer().Send(t.Context())
			if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), test.found) {
				t.Errorf("error %v; want %q", err, test.found)
			}
		})
	}
}

// on changes the responses to one code.
func on(code uint16, change func([]byte) []byte) func(received, []byte) []byte {
	return func(r received, response []byte) []byte {
		if r.code == code {
			return change(response)
		}
		return response
	}
}

func flip(at int) func([]byte) []byte {
	return func(response []byte) []byte {
		response[at] ^= 1
		return response
	}
}

func TestNothingIsSentIfSomethingIsWrong(t *testing.T) {
	f := newFolder(t, "127.0.0.1:9", "missing")
	huge := f.write("huge", nil)
	if err := os.Truncate(huge, codec.MaxPlainSize+1); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(f.path, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	small := f.write("small", []byte("1"))
	same := filepath.Join(f.path, "sub", "small")
	if err := os.WriteFile(same, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Transfer)
		want   *Problem
		found  string
	}{
		{"too large", func(tr *Transfer) { tr.Files = []string{small, huge} }, ErrTooLarge, "4294967008 bytes"},
		{"folder", func(tr *Transfer) { tr.Files = []string{f.path} }, ErrFile, "is a folder"},
		{"device", func(tr *Transfer) { tr.Files = []string{os.DevNull} }, ErrFile, "no regular file"},
		{"missing", func(tr *Transfer) {}, ErrFile, "no such file"},
		{"not UTF-8", func(tr *Transfer) { tr.Files = []string{f.write("\xff", nil)} }, ErrName, "not UTF-8"},
		{"name too long", func(tr *Transfer) { tr.Files = []string{strings.Repeat("n", 255)} }, ErrName, "255 bytes"},
		{"two of one name", func(tr *Transfer) { tr.Files = []string{small, same} }, ErrName, "stored as one"},
		{"bad server", func(tr *Transfer) { tr.Server = "here" }, ErrSettings, `"here"`},
		{"bad name", func(tr *Transfer) { tr.Name = "a\nb" }, ErrSettings, "U+000A"},
		{"no transfer.info", func(tr *Transfer) { tr.Dir = filepath.Join(f.path, "sub") }, ErrSettings, "no such file"},
		{"no file named", func(tr *Transfer) {
			tr.Dir, tr.Server, tr.Name = filepath.Join(f.path, "sub"), "127.0.0.1:9", "ann"
		}, ErrSettings, "no file to send"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transfer := f.transfer()
			transfer.Dial = func(context.Context, string, string) (net.Conn, error) {
				t.Error("the server was connected to")
				return nil, io.EOF
			}
			test.change(&transfer)
			results, err := transfer.Send(t.Context())
			if results != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.found) {
				t.Errorf("%v, error %v", results, err)
			}
		})
	}
}

func TestSettingsOverride(t *testing.T) {
	server := newDocumentedServer(t)
	f := newFolder(t, "127.0.0.1:9", "missing")
	transfer := f.transfer()
	transfer.Server, transfer.Name, transfer.Files = server.address(), "bob", []string{f.write("b", []byte("2"))}
	if _, err := transfer.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	transfer.Name = "eve" // me.info is bob's now
	if _, err := transfer.Send(t.Context()); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), `the identity of "bob"`) {
		t.Errorf("error %v", err)
	}
	server.finish()
	if _, known := server.clients["bob"]; !known || len(server.clients) != 1 {
		t.Errorf("clients %v", server.clients)
	}
}

func TestUnreachable(t *testing.T) {
	l := listen(t)
	f := newFolder(t, l.Addr().String(), "a")
	f.write("a", nil)
	l.Close()
	if _, err := f.transfer().Send(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}
