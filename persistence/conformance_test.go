package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testDatabase is the conformance suite of rows: every database passes it.
// Each call of open gives an empty one, at the last version of the tables.
func testDatabase(t *testing.T, open func(testing.TB) database) {
	for name, test := range map[string]func(*testing.T, database){
		"a job is committed":                 databaseCommits,
		"an error undoes its job alone":      databaseUndoes,
		"values come back as they were":      databaseKeepsValues,
		"a name, a key, a content are once":  databaseKeepsUnique,
		"a file needs its client":            databaseKeepsClients,
		"an ended context runs nothing":      databaseHonoursContext,
		"a view changes nothing":             databaseViews,
		"a delivery is given once":           databaseGivesOnce,
		"nothing is wrong with a new one":    databaseVerifies,
		"after close there is only one word": databaseCloses,
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			test(t, d)
			if err := d.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func mustUpdate(t *testing.T, d database, job func(tx) error) {
	t.Helper()
	if err := d.update(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

func clientNames(t *testing.T, d database) (names []string) {
	t.Helper()
	err := d.view(t.Context(), func(x tx) error {
		return x.list(&names, `SELECT Name AS name FROM clients ORDER BY Name`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func databaseCommits(t *testing.T, d database) {
	mustUpdate(t, d, func(x tx) error { return insertClient(x, newClientID(), "anna") })
	if names := clientNames(t, d); !slices.Equal(names, []string{"anna"}) {
		t.Errorf("clients %q", names)
	}
}

func databaseUndoes(t *testing.T, d database) {
	ours := errors.New("ours")
	results := make(chan error)
	for n := range 32 {
		go func() {
			results <- d.update(context.Background(), func(x tx) error {
				if err := insertClient(x, newClientID(), fmt.Sprintf("client %02d", n)); err != nil || n%2 == 0 {
					return err
				}
				return ours
			})
		}()
	}
	failed := 0
	for range 32 {
		if err := <-results; err == ours {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if names := clientNames(t, d); failed != 16 || len(names) != 16 {
		t.Errorf("%d failed, %d are there: %q", failed, len(names), names)
	}
}

func databaseKeepsValues(t *testing.T, d database) {
	id, at := newClientID(), time.Date(2026, 11, 23, 14, 31, 26, 123456000, time.UTC)
	u := &Upload{id: id, fileName: "Grüße 文件 '\"%?.txt", key: "files/x/y", size: math.MaxUint32, received: at,
		sums: Sums{CRC32: math.MaxUint32, Cksum: 1 << 31}}
	mustUpdate(t, d, func(x tx) error { return insertClient(x, id, "anna") })
	mustUpdate(t, d, u.recordReceived)
	var row fileRow
	err := d.view(t.Context(), func(x tx) error {
		return x.get(&row, `SELECT `+fileColumns+` FROM files WHERE ID = ? AND NOT Verified`, id[:])
	})
	want := File{ID: id, FileName: u.fileName, PathName: u.key, Size: u.size, CRC32: u.sums.CRC32, Cksum: u.sums.Cksum, Received: at}
	if err != nil || row.file() != want {
		t.Errorf("row %+v, %v\nwant %+v", row.file(), err, want)
	}
}

func databaseKeepsUnique(t *testing.T, d database) {
	id := newClientID()
	mustUpdate(t, d, func(x tx) error { return insertClient(x, id, "anna") })
	err := d.update(t.Context(), func(x tx) error { return insertClient(x, newClientID(), "anna") })
	if !errors.Is(err, ErrNameTaken) {
		t.Errorf("second name: %v, want ErrNameTaken", err)
	}
	first := func(x tx) error { return claim(x, "first", id, "a", "files/a", stateRemove) }
	second := func(x tx) error { return claim(x, "second", id, "a", "files/a", stateRemove) }
	mustUpdate(t, d, first)
	if err := d.update(t.Context(), second); err == nil {
		t.Error("two claims on one key")
	}
	verify := func(name string) func(tx) error {
		return func(x tx) error {
			_, err := x.exec(`INSERT INTO files (ID, FileName, PathName, Verified, Number, Size, CRC32, Cksum, Received)
				VALUES (?, ?, 'files/b', ?, 1, 0, 0, 0, ?)`, id[:], name, true, now())
			return err
		}
	}
	mustUpdate(t, d, verify("b"))
	if err := d.update(t.Context(), verify("c")); err == nil {
		t.Error("two verified rows with one content")
	}
}

func databaseKeepsClients(t *testing.T, d database) {
	u := &Upload{id: newClientID(), fileName: "a.txt", key: "files/x/y", received: now()}
	if err := d.update(t.Context(), u.recordReceived); err == nil {
		t.Error("a file without its client")
	}
}

func databaseHonoursContext(t *testing.T, d database) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := d.update(ctx, func(x tx) error { return insertClient(x, newClientID(), "anna") })
	if !errors.Is(err, context.Canceled) || len(clientNames(t, d)) > 0 {
		t.Errorf("update: %v, clients %q", err, clientNames(t, d))
	}
}

func databaseViews(t *testing.T, d database) {
	err := d.view(t.Context(), func(x tx) error { return insertClient(x, newClientID(), "anna") })
	if err == nil || len(clientNames(t, d)) > 0 {
		t.Errorf("view changed something: %v", err)
	}
}

func databaseVerifies(t *testing.T, d database) {
	for _, deep := range []bool{false, true} {
		if damage, err := d.verify(t.Context(), deep); err != nil || len(damage) > 0 {
			t.Errorf("deep %v: %q, %v", deep, damage, err)
		}
	}
}

func databaseCloses(t *testing.T, d database) {
	mustUpdate(t, d, func(tx) error { return nil })
	t.Cleanup(func() { // the suite has closed it
		if err := d.update(context.Background(), func(tx) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("update after close: %v", err)
		}
	})
}

func TestSQLiteConforms(t *testing.T) {
	testDatabase(t, func(t testing.TB) database {
		d, err := openSQLite(t.Context(), filepath.Join(fastDir(t), databaseFile), Full)
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

// testContents is the conformance suite of content: every place for content
// passes it. Each call of open gives an empty one.
func testContents(t *testing.T, open func(testing.TB) contents) {
	for name, test := range map[string]func(*testing.T, contents){
		"published content is what was written": contentIsWhole,
		"a draft is not visible":                draftIsInvisible,
		"a key is never overwritten":            keyIsCreatedOnce,
		"removing is final and may be repeated": contentIsRemoved,
		"quarantine takes out of sight":         contentIsQuarantined,
		"what is not there is fs.ErrNotExist":   absenceIsTold,
		"large content is whole":                largeContentIsWhole,
		"nothing of a draft is left":            nothingOfADraftIsLeft,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func publish(t *testing.T, c contents, key string, parts ...[]byte) error {
	t.Helper()
	d, err := c.create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := d.discard(); err != nil {
			t.Error(err)
		}
	}()
	for _, part := range parts {
		if n, err := d.Write(part); err != nil || n != len(part) {
			t.Fatalf("wrote %d of %d: %v", n, len(part), err)
		}
	}
	if err := d.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d.publish(t.Context(), sumsOf(bytes.Join(parts, nil)))
}

func keys(t *testing.T, c contents) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	err := c.walk(t.Context(), func(key string, size int64) error { found[key] = size; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func contentIsWhole(t *testing.T, c contents) {
	id := newClientID()
	want := map[string]int64{}
	for _, name := range []string{"a.txt", ".hidden", "-rf", "Grüße 文件", strings.Repeat("n", MaxNameSize)} {
		for n, parts := range [][][]byte{nil, {{}}, {[]byte("a"), []byte("bc")}, {make([]byte, 300<<10), []byte("end")}} {
			key := versionKey(id, fmt.Sprint(n, len(want)), "content")
			if n == 0 {
				key = plainKey(id, name)
			}
			if err := publish(t, c, key, parts...); err != nil {
				t.Fatal(err)
			}
			whole := bytes.Join(parts, nil)
			want[key] = int64(len(whole))
			if got := readKey(t, c, key); !bytes.Equal(got, whole) {
				t.Errorf("%s: %d bytes, want %d", key, len(got), len(whole))
			}
			if size, err := c.size(t.Context(), key); err != nil || size != want[key] {
				t.Errorf("size of %s: %d, %v", key, size, err)
			}
		}
	}
	if found := keys(t, c); !maps.Equal(found, want) {
		t.Errorf("walk found %v, want %v", found, want)
	}
}

func readKey(t *testing.T, c contents, key string) []byte {
	t.Helper()
	from, err := c.open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	got, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func draftIsInvisible(t *testing.T, c contents) {
	key := plainKey(newClientID(), "a.txt")
	d, err := c.create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := d.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"before", "after"} {
		if _, err := c.size(t.Context(), key); !errors.Is(err, fs.ErrNotExist) || len(keys(t, c)) > 0 {
			t.Errorf("a draft is seen %s it is discarded: %v, %v", when, err, keys(t, c))
		}
		if _, err := d.discard(); when == "before" && err != nil {
			t.Error("discard failed:", err)
		}
	}
}

// largeContent is more than content in parts sends at once.
func largeContent() []byte {
	content := make([]byte, 2*leastPart+12345)
	for i := range content {
		content[i] = byte(i * i >> 8)
	}
	return content
}

func largeContentIsWhole(t *testing.T, c contents) {
	key, whole := versionKey(newClientID(), "upload", "large"), largeContent()
	if err := publish(t, c, key, slices.Collect(slices.Chunk(whole, 256<<10))...); err != nil {
		t.Fatal(err)
	}
	if got := readKey(t, c, key); !bytes.Equal(got, whole) {
		t.Errorf("%d bytes, want %d", len(got), len(whole))
	}
	if err := publish(t, c, key, whole); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v, want fs.ErrExist", err)
	}
	mustHaveDrafts(t, c, key) // of the second, which may be left
	if err := c.abort(t.Context(), key); err != nil {
		t.Error(err)
	}
	mustHaveDrafts(t, c)
	if size, err := c.size(t.Context(), key); err != nil || size != int64(len(whole)) {
		t.Errorf("size after the draft was given up: %d, %v", size, err)
	}
}

func nothingOfADraftIsLeft(t *testing.T, c contents) {
	key := versionKey(newClientID(), "upload", "large")
	for range 2 { // the second finds what a crash left
		d, err := c.create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write(largeContent()); err != nil {
			t.Fatal(err)
		}
		left, err := d.discard()
		if err != nil {
			t.Fatal(err)
		}
		if mustHaveDrafts(t, c, key) && !left {
			t.Error("the draft does not know that it left something")
		}
	}
	// A part that was under way may arrive after its upload was given up: then
	// removing it again helps.
	for deadline := time.Now().Add(time.Minute); ; {
		if err := c.remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if !mustHaveDrafts(t, c, key) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the draft does not go away")
		}
	}
}

// mustHaveDrafts checks that there are no drafts but of these keys, and tells
// whether there are any.
func mustHaveDrafts(t *testing.T, c contents, keys ...string) (any bool) {
	t.Helper()
	err := c.drafts(t.Context(), func(key string) error {
		if any = true; !slices.Contains(keys, key) {
			t.Errorf("draft of %s", key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return any
}

func keyIsCreatedOnce(t *testing.T, c contents) {
	key := plainKey(newClientID(), "a.txt")
	if err := publish(t, c, key, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := publish(t, c, key, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second: %v, want fs.ErrExist", err)
	}
	if got := readKey(t, c, key); string(got) != "first" {
		t.Errorf("content %q", got)
	}
}

func contentIsRemoved(t *testing.T, c contents) {
	id := newClientID()
	for _, name := range []string{"a.txt", "b.txt"} {
		if err := publish(t, c, plainKey(id, name), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := c.remove(t.Context(), plainKey(id, "a.txt")); err != nil {
			t.Error(err)
		}
	}
	if err := c.remove(t.Context(), plainKey(newClientID(), "never")); err != nil {
		t.Error(err)
	}
	if want := map[string]int64{plainKey(id, "b.txt"): 5}; !maps.Equal(keys(t, c), want) {
		t.Errorf("left %v, want %v", keys(t, c), want)
	}
}

func contentIsQuarantined(t *testing.T, c contents) {
	key := plainKey(newClientID(), "a.txt")
	if err := publish(t, c, key, []byte("content")); err != nil {
		t.Fatal(err)
	}
	place, err := c.quarantine(t.Context(), key, "case-1")
	if err != nil || len(keys(t, c)) > 0 {
		t.Fatalf("%v, left %v", err, keys(t, c))
	}
	if got := readKey(t, c, place); string(got) != "content" {
		t.Errorf("content in quarantine %q", got)
	}
	if _, err := c.quarantine(t.Context(), key, "case-1"); err != nil {
		t.Errorf("again: %v", err)
	}
}

func absenceIsTold(t *testing.T, c contents) {
	key := plainKey(newClientID(), "a.txt")
	if _, err := c.size(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("size: %v", err)
	}
	if _, err := c.open(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}

func TestDiskConforms(t *testing.T) {
	for name, temp := range map[string]func(*rootFS) func() (Temp, error){
		"unnamed": func(r *rootFS) func() (Temp, error) { return r.unnamed },
		"linked":  func(r *rootFS) func() (Temp, error) { return r.linked },
		"renamed": func(r *rootFS) func() (Temp, error) { return r.renamed },
	} {
		t.Run(name, func(t *testing.T) {
			testContents(t, func(t testing.TB) contents {
				root, err := os.OpenRoot(fastDir(t))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { root.Close() })
				files := &rootFS{root: root}
				files.temp = temp(files)
				return mustDisk(t, files)
			})
		})
	}
	// The simulation that the proofs rest on has to behave like a disk.
	t.Run("simulated", func(t *testing.T) {
		testContents(t, func(t testing.TB) contents { return mustDisk(t, newPowerFS(&crash{})) })
	})
}

func mustDisk(t testing.TB, files FileSystem) *disk {
	d, err := newDisk(files, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
