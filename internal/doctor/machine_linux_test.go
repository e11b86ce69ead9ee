package doctor

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExamine looks at this machine, whatever it is like: every check has its
// finding, and nothing is left behind.
func TestExamine(t *testing.T) {
	dir := t.TempDir()
	findings := Examine(Plan{Addrs: []string{"127.0.0.1:0", "127.0.0.1:0"}, DataDir: filepath.Join(dir, "a", "b"), MemoryBudget: mib, MaxConnections: 10})
	var checks []string
	for _, f := range findings {
		checks = append(checks, f.Check)
		if f.Status == "" || f.Seen == "" {
			t.Errorf("%+v says nothing", f)
		}
	}
	want := "descriptors memory restart clock permissions file system port port space inodes unnamed files sync speed"
	if got := strings.Join(checks, " "); got != want {
		t.Errorf("the checks are %s, want %s", got, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestPortOfThisProcess listens, and is found out.
func TestPortOfThisProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if h := holderOf(l.Addr().String()); h.ProcessID != os.Getpid() || h.Name == "" {
		t.Errorf("the holder is %+v", h)
	}
	for serves, want := range map[bool]Status{false: Wrong, true: Good} {
		if f := port(l.Addr().String(), func(string) bool { return serves }); f.Status != want {
			t.Errorf("the finding is %+v, want %s", f, want)
		}
	}
	if f := port("127.0.0.1:0", nil); f.Status != Good {
		t.Errorf("the finding of a free port is %+v", f)
	}
}

func TestMountOf(t *testing.T) {
	const table = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:20 / /var rw,nosuid shared:1 - xfs /dev/vdb rw,noquota
24 23 0:21 / /var/my\040disk ro,nosuid - nfs4 host:/x rw,hard
25 22 0:22 / /variety rw - tmpfs none rw
`
	for path, want := range map[string]string{
		"/home":             "ext4 relatime,rw",
		"/var":              "xfs noquota,nosuid,rw",
		"/var/lib/sealquay": "xfs noquota,nosuid,rw",
		"/var/my disk/data": "nfs4 hard,nosuid,ro",
	} {
		kind, options := mountOf(table, path)
		if got := kind + " " + strings.Join(options, ","); got != want {
			t.Errorf("%s lies on %s, want %s", path, got, want)
		}
	}
}

func TestGroupLimit(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("unlimited", "0::/a/b\n")
	write("one", "0::/a/one\n")
	write("old", "5:cpu,memory:/c\n3:pids:/\n")
	write("a/memory.max", "4000\n")
	write("a/b/memory.max", "max\n")
	write("a/one/memory.max", "3000\n")
	write("memory/c/memory.limit_in_bytes", "2000\n")
	for file, want := range map[string]uint64{"unlimited": 4000, "one": 3000, "old": 2000, "missing": 0} {
		if got := groupLimit(filepath.Join(root, file), root); got != want {
			t.Errorf("%s: the limit is %d, want %d", file, got, want)
		}
	}
}

// TestPermissions has a database that belongs to somebody else.
func TestPermissions(t *testing.T) {
	dir := t.TempDir()
	if f := permissions(filepath.Join(dir, "missing"), ""); f.Status != Wrong {
		t.Errorf("a missing folder is %+v", f)
	}
	if os.Geteuid() != 0 {
		t.Skip("needs to be root to give files away")
	}
	path := filepath.Join(dir, "sealquay.db-shm")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if f := permissions(dir, dir); f.Status != Good {
		t.Errorf("all of one user is %+v", f)
	}
	if err := os.Chown(path, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	if f := permissions(dir, dir); f.Status != Wrong || !slices.Contains(strings.Fields(f.Seen), path) {
		t.Errorf("a file of another is %+v", f)
	}
}
