package documents

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Run runs the parts of a script by bash in a fresh copy of the repository, with a loopback
// interface of its own, so that all ports are free. Programs is a folder that
// comes first in PATH. The script must succeed; Run returns all that it printed.
func Run(t testing.TB, programs string, script ...string) string {
	t.Helper()
	dir := copied(t)
	// What still runs at the end is of the script's process group.
	begin := "ip link set lo up\nexport GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE) HOME=$PWD/../home\nmkdir ~\ntrap \"trap '' TERM; kill 0; wait\" EXIT\n"
	separate := []string{"--net"}
	if os.Geteuid() != 0 {
		separate = append(separate, "--map-root-user")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(separate, "bash", "-eu")...)
	cmd.Stdin = strings.NewReader(begin + strings.Join(script, ""))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "PWD="+dir, "GOFLAGS=-trimpath", "CGO_ENABLED=0") // as package/build, whatever the folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Minute
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return said.String()
}

// copied returns a folder with a clone of the repository and what is not
// committed yet.
func copied(t testing.TB) string {
	t.Helper()
	top, dir := root(t), filepath.Join(t.TempDir(), "sealquay")
	for _, step := range []string{
		`git clone --quiet --local --no-checkout "$0" "$1" && git -C "$1" reset --quiet`,
		`git -C "$0" ls-files -z --cached --others --exclude-standard --deduplicate | while read -r -d '' file; do [ ! -e "$0/$file" ] || printf '%s\0' "$file"; done | tar -C "$0" --null --files-from=- -c | tar -C "$1" -x`,
	} {
		if said, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", step, top, dir).CombinedOutput(); err != nil {
			t.Fatalf("copying the repository: %v\n%s", err, said)
		}
	}
	return dir
}
