package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealquay/sealquay/codec"
)

// withDigits returns a content whose CRC-32 has n digits.
func withDigits(n int) []byte {
	for i := uint64(0); ; i++ {
		content := binary.LittleEndian.AppendUint64(nil, i)
		if len(strconv.FormatUint(uint64(crc32.ChecksumIEEE(content)), 10)) == n {
			return content
		}
	}
}

func (f folder) seedFiles() map[string][]byte {
	files := map[string][]byte{
		"empty":      nil,
		"7 digits":   withDigits(7),
		"9":          withDigits(9),
		"ten digits": withDigits(10),
		"файл.txt":   withDigits(8),
		"large":      random(1 << 20),
	}
	for name, content := range files {
		f.write(name, content)
	}
	return files
}

func TestSeedServerIsRecognisedAndServed(t *testing.T) {
	whole, err := ParseMeInfo(readTestdata(t, "ours.me.info"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		second  bool // me.info is there
		dialect codec.Dialect
		padded  bool
		names   int // clients at the server afterwards
	}{
		{"first run", false, codec.Undecided, false, 2}, // the name with its zeros, and the name
		{"second run", true, codec.Undecided, false, 1},
		{"first run, known", false, codec.Seed, false, 1},
		{"second run, known", true, codec.Seed, false, 1},
		{"cksum padded", false, codec.Seed, true, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newSeedServer(t)
			server.padded = test.padded
			f := newFolder(t, server.listener.Addr().String(), "")
			if test.second {
				server.clients["ann"] = bytes.Repeat([]byte{0xc1}, 16)
				f.write(MeInfoName, (MeInfo{"ann", codec.ClientID(server.clients["ann"]), whole.Key}).Text())
			}
			files := f.seedFiles()
			transfer := f.transfer()
			transfer.Options.Dialect, transfer.Probe = test.dialect, 200*time.Millisecond
			for name := range files {
				transfer.Files = append(transfer.Files, f.path+"/"+name)
			}
			if _, err := transfer.Send(t.Context()); err != nil {
				t.Fatalf("%v; the server could not unpack %v", err, server.faults)
			}
			server.finish()
			for name, content := range files {
				if stored, ok := server.stored["ann/"+name]; !ok || !bytes.Equal(stored, content) {
					t.Errorf("%q did not arrive as it was", name)
				}
			}
			if len(server.clients) != test.names || f.me().ID != codec.ClientID(server.clients["ann"]) {
				t.Errorf("clients %q, me.info %v", server.clients, f.me().ID)
			}
			if len(server.verdicts) != len(files) {
				t.Errorf("verdicts %v", server.verdicts)
			}
			if want := test.second && test.dialect == codec.Undecided; want != (len(server.faults) > 0) {
				t.Errorf("the server could not unpack %v", server.faults)
			}
		})
	}
}

// The seed's server hears three verdicts. It answers neither 1105 nor 1106.
func TestSeedServerRetries(t *testing.T) {
	for wrong, want := range [][]uint16{
		{1104, 1104}, {1105, 1104, 1104}, {1105, 1105, 1104, 1104}, {1105, 1105, 1106, 1104},
	} {
		t.Run(fmt.Sprint(wrong, " wrong"), func(t *testing.T) {
			t.Parallel()
			server := newSeedServer(t)
			server.wrong = wrong
			f := newFolder(t, server.listener.Addr().String(), "")
			transfer := f.transfer()
			transfer.Options.Dialect = codec.Seed
			transfer.Files = []string{f.write("a", random(5000)), f.write("b", random(70))}
			results, err := transfer.Send(t.Context())
			server.finish()
			if failed := errors.Is(err, ErrChecksum); failed != (wrong == 3) || results[1].Err != nil {
				t.Errorf("%+v", results)
			}
			if !slices.Equal(server.verdicts, want) || len(server.faults) > 0 {
				t.Errorf("verdicts %v, want %v; not unpacked: %v", server.verdicts, want, server.faults)
			}
		})
	}
}

func TestSeedNamesLeaveRoomForTheSuffix(t *testing.T) {
	server := newSeedServer(t)
	f := newFolder(t, server.listener.Addr().String(), "")
	transfer := f.transfer()
	transfer.Options.Dialect = codec.Seed
	transfer.Files = []string{f.write(strings.Repeat("n", 251), nil), f.write(strings.Repeat("n", 250), nil)}
	results, err := transfer.Send(t.Context())
	server.finish()
	if !errors.Is(err, ErrName) || results[0].Err == nil || results[1].Err != nil {
		t.Errorf("%+v", results)
	}
	if len(server.stored) != 1 || len(server.stored["ann/"+strings.Repeat("n", 250)]) != 0 {
		t.Errorf("stored %v", server.stored)
	}
}

// A 2103 whose declared size is 285 can be one of the seed's server, here with
// nine digits, or a padded one. What follows tells.
func TestCksumEndsAreToldApart(t *testing.T) {
	for _, split := range []int{1, 283, 300} {
		end := cksumEnd{awaited: true, others: 16 + 256 + 4}
		response := append(make([]byte, seedCksumAt), "123456789"...)
		binary.LittleEndian.PutUint32(response[seedPayloadSizeAt:], 285)
		var whole []byte
		for part := range slices.Chunk(response, split) {
			whole = append(whole, end.complete(slices.Clip(part))...)
		}
		if !bytes.Equal(whole, append(response, 0)) {
			t.Errorf("split at %d: %d bytes", split, len(whole))
		}
	}
	end := cksumEnd{awaited: true, others: 16 + 256 + 4}
	response := append(make([]byte, seedCksumAt), "1234567890"...)
	binary.LittleEndian.PutUint32(response[seedPayloadSizeAt:], 285)
	if whole := end.complete(response); !bytes.Equal(whole, response) {
		t.Errorf("the padded response became %d bytes", len(whole))
	}
}
