package doctor

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestJudgements has for each check what is good and what is not.
func TestJudgements(t *testing.T) {
	failed := errors.New("it failed")
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	space := func(s Space) Finding { return s.judge()[0] }
	inodes := func(s Space) Finding { return s.judge()[1] }
	leaf := func(from, until int) *x509.Certificate { // days from now
		return &x509.Certificate{NotBefore: now.AddDate(0, 0, from), NotAfter: now.AddDate(0, 0, until)}
	}
	for name, c := range map[string]struct {
		got  Finding
		want Status
	}{
		"descriptors":          {Descriptors(20000, 10000), Good},
		"few descriptors":      {Descriptors(1024, 10000), Hint},
		"hardly a descriptor":  {Descriptors(100, 10), Wrong},
		"space":                {space(Space{Free: 50 * gib, Total: 100 * gib}), Good},
		"little space":         {space(Space{Free: 4 * gib, Total: 100 * gib}), Hint},
		"no space":             {space(Space{Free: mib, Total: 100 * gib}), Wrong},
		"space to be kept":     {space(Space{Free: 50 * gib, Total: 100 * gib, Keep: 50 * gib}), Wrong},
		"inodes":               {inodes(Space{Inodes: 50_000, InodesSize: 100_000}), Good},
		"no inodes to run out": {inodes(Space{}), Good},
		"few inodes":           {inodes(Space{Inodes: 4_000, InodesSize: 100_000}), Hint},
		"no inodes":            {inodes(Space{Inodes: 9, InodesSize: 100_000}), Wrong},
		"ext4":                 {FileSystem("ext4", []string{"rw", "relatime"}), Good},
		"read-only":            {FileSystem("ext4", []string{"ro"}), Wrong},
		"no barriers":          {FileSystem("ext4", []string{"rw", "nobarrier"}), Wrong},
		"memory as disk":       {FileSystem("tmpfs", []string{"rw"}), Wrong},
		"NFS":                  {FileSystem("nfs4", []string{"rw"}), Wrong},
		"container":            {FileSystem("overlay", []string{"rw"}), Hint},
		"FUSE":                 {FileSystem("fuse.sshfs", []string{"rw"}), Hint},
		"unnamed files":        {Unnamed(nil), Good},
		"no unnamed files":     {Unnamed(failed), Hint},
		"rows":                 {Rows(nil, nil, nil), Good},
		"rows away":            {Rows(failed, nil, nil), Wrong},
		"rows that get lost":   {Rows(nil, failed, failed), Wrong},
		"rows for ZFS":         {Rows(nil, nil, failed), Hint},
		"sync":                 {SyncSpeed(2*time.Millisecond, nil), Good},
		"slow sync":            {SyncSpeed(80*time.Millisecond, nil), Hint},
		"no sync":              {SyncSpeed(0, failed), Wrong},
		"clock":                {Clock(true, now), Good},
		"free clock":           {Clock(false, now), Hint},
		"old clock":            {Clock(true, time.Unix(0, 0)), Wrong},
		"port":                 {Port("127.0.0.1:1", nil, nil), Good},
		"port of ours":         {Port("127.0.0.1:1", &Holder{1, "sealquay"}, failed), Good},
		"port that answers":    {Port("127.0.0.1:1", &Holder{0, "sealquay"}, failed), Good},
		"port of another":      {Port("127.0.0.1:1", &Holder{1, "nginx"}, failed), Wrong},
		"port of somebody":     {Port("127.0.0.1:1", &Holder{}, failed), Wrong},
		"no such address":      {Port("192.0.2.1:1", nil, failed), Wrong},
		"permissions":          {Permissions(nil, nil, 0o750), Good},
		"open to all":          {Permissions(nil, nil, 0o755), Hint},
		"writable to all":      {Permissions(nil, nil, 0o777), Wrong},
		"not writable":         {Permissions(failed, nil, 0), Wrong},
		"files of root":        {Permissions(nil, []string{"sealquay.db-shm"}, 0o750), Wrong},
		"restart":              {Restart(nil), Good},
		"no restart":           {Restart(failed), Hint},
		"memory":               {Memory(0, 8*gib, 256*mib), Good},
		"tight memory":         {Memory(512*mib, 8*gib, 256*mib), Hint},
		"memory too small":     {Memory(300*mib, 8*gib, 256*mib), Wrong},
		"machine too small":    {Memory(0, 256*mib, 256*mib), Wrong},
		"certificate":          {Certificate(leaf(-1, 90), now, nil), Good},
		"certificate to renew": {Certificate(leaf(-1, 20), now, nil), Hint},
		"old certificate":      {Certificate(leaf(-9, -1), now, nil), Wrong},
		"new certificate":      {Certificate(leaf(1, 90), now, nil), Wrong},
		"no certificate":       {Certificate(nil, now, failed), Wrong},
		"hooks":                {Hooks([]string{"url"}, nil), Good},
		"hooks that fail":      {Hooks(nil, failed), Wrong},
		"confined":             {Confinement("auto", 6, false), Good},
		"confined in files":    {Confinement("require", 3, false), Good},
		"not confined":         {Confinement("off", 6, false), Hint},
		"no Landlock":          {Confinement("auto", 0, false), Hint},
		"Landlock is required": {Confinement("require", 0, false), Wrong},
		"programs":             {Confinement("auto", 6, true), Hint},
		"programs, required":   {Confinement("require", 6, true), Wrong},
		"configuration":        {Configuration(nil, nil), Good},
		"warnings":             {Configuration([]string{"port.info is missing"}, nil), Hint},
		"wrong configuration":  {Configuration(nil, failed), Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got.Status != c.want || (c.got.Advice == "") != (c.want == Good) || c.got.Seen == "" {
				t.Errorf("got %+v, want %s", c.got, c.want)
			}
			if got := Well([]Finding{c.got}); got != (c.want != Wrong) {
				t.Errorf("Well is %v", got)
			}
		})
	}
}

// TestSecrets looks at files that others may read, may not read, and that are
// missing.
func TestSecrets(t *testing.T) {
	var paths []string
	for mode, name := range map[os.FileMode]string{0o600: "own", 0o640: "group", 0o644: "open"} {
		path := filepath.Join(t.TempDir(), name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	want := map[string]Status{"own": Good, "group": Good, "open": Hint, "missing": Wrong}
	findings := Secrets(append(paths, "", "missing")...)
	if len(findings) != len(want) {
		t.Errorf("%d findings", len(findings))
	}
	for _, f := range findings {
		for name, status := range want {
			if strings.Contains(f.Seen, name) && f.Status != status {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}
