package client

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealquay/sealquay/codec"
)

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The seed's program writes CRLF on Windows, lines of 72 and an empty line at
// the end; what we write from it has the same lines.
func TestMeInfoOfTheSeedIsTakenAsItIs(t *testing.T) {
	seed, ours := readTestdata(t, "seed_windows.me.info"), readTestdata(t, "ours.me.info")
	m, err := ParseMeInfo(seed)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "James Brice" || m.ID.String() != "00112233445566778899aabbccddeeff" {
		t.Errorf("read as %q, %v", m.Name, m.ID)
	}
	if !bytes.Equal(m.Text(), ours) {
		t.Errorf("written as:\n%s\nwant:\n%s", m.Text(), ours)
	}
}

func TestMeInfoTakesTheKeyOnOneLine(t *testing.T) {
	lines := strings.SplitN(string(readTestdata(t, "ours.me.info")), "\n", 3)
	text := lines[0] + "\n" + lines[1] + "\n" + strings.ReplaceAll(lines[2], "\n", "")
	m, err := ParseMeInfo([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Text()) != string(readTestdata(t, "ours.me.info")) {
		t.Error("another key was read")
	}
}

func TestMeInfoSaysWhatIsWrong(t *testing.T) {
	whole := string(readTestdata(t, "ours.me.info"))
	tooBig, err := os.ReadFile(filepath.Join("testdata", "ours.me.info"))
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(tooBig), "eeff\n")
	const id = "00112233445566778899aabbccddeeff"
	tests := []struct {
		name, text string
		line       int
		found      string
		keptName   string
		keptID     bool
	}{
		{"empty", "", 1, "an empty line", "", false},
		{"no name", "\n" + id + "\n" + key, 1, "an empty line", "", false},
		{"name too long", strings.Repeat("n", 255) + "\n" + id + "\n" + key, 1, strings.Repeat("n", 64), "", false},
		{"name not UTF-8", "\xff\n" + id + "\n" + key, 1, `"\xff"`, "", false},
		{"name with control", "a\tb\n" + id + "\n" + key, 1, `"a\tb"`, "", false},
		{"only a name", "ann\n", 2, "the end of the file", "ann", false},
		{"id too short", "ann\n" + id[1:] + "\n" + key, 2, id[1:], "ann", false},
		{"id no digits", "ann\n" + id[2:] + "zz\n" + key, 2, "zz", "ann", false},
		{"id all zeros", "ann\n" + strings.Repeat("0", 32) + "\n" + key, 2, "0000", "ann", false},
		{"no key", "ann\n" + id + "\n", 3, "the end of the file", "ann", true},
		{"key cut", whole[:len(whole)-100], 3, "characters that hold no such key", "James Brice", true},
		{"key no Base64", "ann\n" + id + "\n!!!!\n", 3, "4 characters", "ann", true},
		{"key no key", "ann\n" + id + "\n" + base64.StdEncoding.EncodeToString([]byte("no key")), 3, "8 characters", "ann", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := ParseMeInfo([]byte(test.text))
			wrong, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if wrong.Line != test.line || !strings.Contains(wrong.Found, test.found) {
				t.Errorf("%v; want line %d, found %s", wrong, test.line, test.found)
			}
			if m.Name != test.keptName || (m.ID != codec.ClientID{}) != test.keptID || m.Key != nil {
				t.Errorf("kept %q, %v", m.Name, m.ID)
			}
		})
	}
}

func TestMeInfoErrorsHideTheKey(t *testing.T) {
	text := readTestdata(t, "ours.me.info")
	damaged := bytes.Replace(text, []byte("M"), []byte("N"), 1)
	_, err := ParseMeInfo(damaged)
	if err == nil {
		t.Fatal("a damaged key was taken")
	}
	for _, line := range strings.Fields(string(damaged))[3:] {
		if strings.Contains(err.Error(), line[:8]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestMeInfoIsWrittenAtomicallyAndPrivately(t *testing.T) {
	m, err := ParseMeInfo(readTestdata(t, "ours.me.info"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, MeInfoName)
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := m.Write(path); err != nil {
		t.Fatal(err)
	}
	about, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if about.Mode() != 0o600 {
		t.Errorf("mode %v", about.Mode())
	}
	if text := make([]byte, 6); true { // the old file was replaced, not written over
		if _, err := before.Read(text); err != nil || string(text) != "before" {
			t.Errorf("the old file holds %q, %v", text, err)
		}
	}
	if again, err := ReadMeInfo(path); err != nil || !bytes.Equal(again.Text(), m.Text()) {
		t.Errorf("read back: %v", err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := m.Write(filepath.Join(folder, "missing", MeInfoName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a missing folder: %v", err)
	}
}

func TestReadMeInfoNamesTheFileAndBoundsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), MeInfoName)
	if err := os.WriteFile(path, []byte("ann\nno id\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMeInfo(path); err == nil || !strings.HasPrefix(err.Error(), path+`:2: found "no id"`) {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("a\n"), largestSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMeInfo(path); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
		t.Errorf("error %v", err)
	}
}

func TestMeInfoReadsBackWhatItWrites(t *testing.T) {
	whole, err := ParseMeInfo(readTestdata(t, "ours.me.info"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := MeInfo{
			Name: rapid.String().Filter(func(s string) bool { return checkName(s) == nil }).Draw(t, "name"),
			ID:   codec.ClientID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
			Key:  whole.Key,
		}
		if (m.ID == codec.ClientID{}) {
			m.ID[0] = 1
		}
		again, err := ParseMeInfo(m.Text())
		if err != nil || again.Name != m.Name || again.ID != m.ID || !bytes.Equal(again.Key.der, m.Key.der) {
			t.Fatalf("%q, %v became %q, %v: %v", m.Name, m.ID, again.Name, again.ID, err)
		}
	})
}

func FuzzMeInfo(f *testing.F) {
	f.Add(readTestdata(f, "ours.me.info"))
	f.Add(readTestdata(f, "seed_windows.me.info"))
	f.Add([]byte("ann\n00112233445566778899aabbccddeeff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMeInfo(text)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		again, err := ParseMeInfo(m.Text())
		if err != nil || !bytes.Equal(again.Text(), m.Text()) || again.Name != m.Name {
			t.Fatalf("%q became %q: %v", m.Text(), again.Text(), err)
		}
	})
}
