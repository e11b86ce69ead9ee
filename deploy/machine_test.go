package deploy

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A machine is this one as its packages see it, with all that is written to it
// in memory: what is installed there is gone with the test.
type machine struct {
	t          *testing.T
	pid        string   // a process on it
	namespaces []string // in which it is not on this machine
}

// layMachine lays a file system in memory over this machine's. It runs in a
// mount namespace of its own, with a folder as its argument.
const layMachine = `
mount -t tmpfs none "$1"
root=$1/root
mkdir "$1/upper" "$1/work" "$root"
mount -t overlay none -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs none "$root/dev" -o mode=755
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for folder in /dev/shm /run /tmp; do
	mount -t tmpfs none "$root$folder" -o mode=1777
done
chmod 755 "$root/run"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
cd "$root"
mkdir before
pivot_root . before
umount -l before
rmdir before
`

// newMachine begins a machine where systemd does not run, like a container.
func newMachine(t *testing.T) machine {
	t.Helper()
	return begin(t, nil, "exec sleep infinity")
}

// bootMachine begins a machine with systemd as its first process and a network
// of its own. Of what is installed only systemd's own units are started.
func bootMachine(t *testing.T) machine {
	t.Helper()
	m := begin(t, []string{"--pid", "--net"}, "exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin "+
		"/lib/systemd/systemd --unit=basic.target")
	eventually(t, func() bool {
		said, _ := m.command("systemctl", "is-system-running").Output() // fails until it runs
		return strings.TrimSpace(string(said)) == "running"
	}, func() string {
		said, _ := m.command("systemctl", "list-units", "--failed").CombinedOutput()
		return fmt.Sprintf("systemd does not run:\n%s", said)
	})
	return m
}

// begin begins a machine whose first process runs a script. Its processes have a
// control group of their own, and these namespaces beside the usual ones.
func begin(t *testing.T, namespaces []string, script string) machine {
	t.Helper()
	needRoot(t)
	namespaces = append([]string{"--mount", "--cgroup", "--uts", "--ipc"}, namespaces...)
	cmd := exec.Command("unshare", "--mount", "sh", "-ec", `
		mkdir "$1/groups" "$1/machine"
		mount -t cgroup2 none "$1/groups"
		group=$1/groups$(sed -n 's/^0:://p' /proc/self/cgroup)/sealquay-test-$$
		mkdir "$group"
		exec 3>&1 >&2
		sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$group/cgroup.procs" \
			unshare --kill-child $2 sh -ec "$3" sh "$1/machine" </dev/null &
		exec 3>&-
		read -r _ || true
		kill -9 $(cat /proc/$!/task/$!/children)
		wait || true
		until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done # they are still dying`,
		"sh", t.TempDir(), strings.Join(namespaces, " "), "read -r pid _ </proc/self/stat; echo $pid >&3\n"+layMachine+"echo here >&3; exec 3>&-\n"+script)
	stop, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stop.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the end of the machine: %v", err)
		}
	})
	lines := bufio.NewReader(out)
	pid, _ := lines.ReadString('\n')
	if here, err := lines.ReadString('\n'); here != "here\n" {
		t.Fatalf("nothing can be mounted here: %v", err)
	}
	return machine{t, strings.TrimSpace(pid), namespaces}
}

// command is a command on the machine, without a shell in between.
func (m machine) command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", slices.Concat([]string{"--target", m.pid}, m.namespaces, []string{"--"}, args)...)
}

// run runs a command on the machine, which must succeed.
func (m machine) run(args ...string) string {
	m.t.Helper()
	cmd := m.command(args...)
	return output(m.t, cmd.Args[0], cmd.Args[1:]...)
}

// put copies a file of this machine into /tmp of the other.
func (m machine) put(path string) string {
	m.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	to := "/tmp/" + filepath.Base(path)
	m.write(to, string(content))
	return to
}

// write writes a file, and the folders that it needs.
func (m machine) write(path, content string) {
	m.t.Helper()
	m.run("mkdir", "-p", filepath.Dir(path))
	cmd := m.command("tee", path)
	cmd.Stdin, cmd.Stdout = strings.NewReader(content), io.Discard
	if err := cmd.Run(); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) exists(path string) bool { return m.command("test", "-e", path).Run() == nil }

// expect checks the mode and the owner of paths.
func (m machine) expect(want map[string]string) {
	m.t.Helper()
	for path, is := range want {
		if got := strings.TrimSpace(m.run("stat", "-c", "%A %U:%G", path)); got != is {
			m.t.Errorf("%s is %s, want %s", path, got, is)
		}
	}
}

func (m machine) gone(paths ...string) {
	m.t.Helper()
	for _, path := range paths {
		if m.exists(path) {
			m.t.Errorf("%s is still there", path)
		}
	}
}
