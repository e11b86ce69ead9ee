package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sealquay/sealquay/internal/config"
	"github.com/sealquay/sealquay/persistence"
)

// hostileParts are what hostile names are made of.
var hostileParts = []string{
	"..", ".", "/", `\`, "../", `..\`, "/etc/passwd", `C:\`, `\\server\share`, "%2e%2e%2f", "..%c0%af", "~", "-rf", "|", "$(id)", "`id`",
	"\x01", "\t", "\n", "\r", "\x1b[2J", "\x7f", "\u0085", "\u2028", "\u202e", "\u200e", "\u2066", "\ufeff", "\u200b", "\u0301",
	"\xc0\xae\xc0\xae/", "\xe0\x80\xaf", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u2024\u2024", "\uff0e\uff0e\uff0f", "\u2215", "\u29f8",
	"CON", "NUL", "aux.txt", "COM1", "LPT9.", "CONIN$", "file:stream", "desktop.ini", "name.", "name ", " name", "tmp", "files", "versions",
	"sealquay.db", "sealquay.lock", "quarantine", "e\u0301", "\u00e9", "K", "\u212a", "a", "b.txt", ".hidden", ".enc", "*", "?", "<>", "\"", "'",
}

// hostileNames makes n names of at most size bytes, the same each time.
func hostileNames(n, size int) (names []string) {
	luck := rand.New(rand.NewPCG(8, 5))
	names = append(names, hostileParts...)
	names = append(names, strings.Repeat("x", size), strings.Repeat("../", size/3), strings.Repeat("\u00fc", size/2))
	for len(names) < n {
		var name strings.Builder
		for range 1 + luck.IntN(6) {
			part := hostileParts[luck.IntN(len(hostileParts))]
			if luck.IntN(8) == 0 {
				part = string([]byte{1 + byte(luck.IntN(255))}) + part
			}
			if name.Len()+len(part) <= size {
				name.WriteString(part)
			}
		}
		names = append(names, name.String())
	}
	return names
}

// storable says what PROTOCOL.md section 4 says.
func storable(name string) bool {
	last := name[strings.LastIndexAny(name, `/\`)+1:]
	return last != "" && last != "." && last != ".." && utf8.ValidString(last) && !strings.ContainsFunc(last, unicode.IsControl)
}

// TestHostileNamesReachNothingOutside sends 5,000 of them in each dialect.
func TestHostileNamesReachNothingOutside(t *testing.T) {
	for _, seed := range []bool{false, true} {
		t.Run(fmt.Sprintf("seed=%v", seed), func(t *testing.T) {
			around := t.TempDir()
			s := startTestServerIn(t, filepath.Join(around, "data"), func(c *config.Config) { c.Durability = config.DurabilityRelaxed })
			who := dial(t, s).register("alice")
			p := dial(t, s)
			p.seed = seed
			size := 415
			if seed {
				size = len(who.name) + 160
			}
			p.send(request(who.id, 1101, size, text(who.name), who.publicKey()))
			sealed := seal(who.open(t, p.expect(2102)), []byte("hostile"))
			names := hostileNames(5000, 250)
			for begin := 0; begin < len(names); begin += 20 {
				batch := names[begin:min(begin+20, len(names))]
				var out []byte
				for _, name := range batch {
					field, payload := name, 275+len(sealed)
					if seed {
						field += ".enc"
						payload = 16 + len(sealed) + len(field)
					}
					out = append(out, request(who.id, 1103, payload, who.id[:], number(len(sealed)), text(field), sealed)...)
					out = append(out, verdict(1104, who.id, name)...)
				}
				p.send(out)
				for _, name := range batch {
					want := [2]uint16{2101, 2101}
					if storable(name) {
						want = [2]uint16{2103, 2104}
					}
					if got := [2]uint16{p.receive().code, p.receive().code}; got != want {
						t.Fatalf("%q: %v, want %v", name, got, want)
					}
				}
			}
			wantInside(t, s, around)
		})
	}
}

// wantInside checks that what is stored is below the data directory, and where
// its rows say.
func wantInside(t *testing.T, s *testServer, around string) {
	t.Helper()
	if entries, err := os.ReadDir(around); err != nil || len(entries) != 1 {
		t.Errorf("beside the data directory: %v, %v", entries, err)
	}
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !entry.Type().IsRegular() {
			t.Errorf("%q is no regular file", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for file, err := range s.store.Files(t.Context(), persistence.FileFilter{Verified: true}) {
		place := strings.Split(file.PathName, "/")
		if err != nil || len(place) != 3 || place[1] != file.ID.String() || place[0] == "files" && place[2] != file.FileName {
			t.Errorf("%q is at %q, %v", file.FileName, file.PathName, err)
		}
	}
	report, err := s.store.Check(t.Context(), persistence.CheckOptions{})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("check: %+v, %v", report.Findings, err)
	}
}

// TestPlantedLinksAreNotFollowed: whoever may write to the storage, and nothing
// else, cannot have the server write elsewhere.
func TestPlantedLinksAreNotFollowed(t *testing.T) {
	for _, planted := range []string{"files", "files/CLIENT", "files/CLIENT/a", "versions/CLIENT", "tmp"} {
		t.Run(planted, func(t *testing.T) {
			outside := t.TempDir()
			treasure := filepath.Join(outside, "a")
			if err := os.WriteFile(treasure, []byte("treasure"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := startTestServer(t)
			p := dial(t, s)
			who := p.register("alice")
			key := p.exchange(who)
			at := filepath.Join(s.dir, strings.ReplaceAll(planted, "CLIENT", fmt.Sprintf("%x", who.id)))
			target := outside
			if strings.HasSuffix(planted, "/a") {
				target = treasure
			}
			if err := os.RemoveAll(at); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, at); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second content of a name has another place
				p.send(encryptedFile(who.id, "a", seal(key, []byte("content"))))
				if p.receive().code == 2103 {
					p.send(verdict(1104, who.id, "a"))
					p.receive()
				}
			}
			entries, err := os.ReadDir(outside)
			content, reading := os.ReadFile(treasure)
			if err != nil || reading != nil || len(entries) != 1 || !bytes.Equal(content, []byte("treasure")) {
				t.Errorf("outside there are %v, and the file holds %q", entries, content)
			}
		})
	}
}
