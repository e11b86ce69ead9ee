package confine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// prisoner names the folder of the process that tries to get out.
const prisoner = "SEALQUAY_TEST_PRISONER"

// starter tells a process to confine itself and to start programs.
const starter = "SEALQUAY_TEST_STARTER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(prisoner); folder != "" {
		escape(folder)
		return
	}
	if os.Getenv(starter) != "" {
		startPrograms()
		return
	}
	os.Exit(m.Run())
}

// startPrograms has threads that are older than the confinement start a program
// each, which prints what it has inherited.
func startPrograms() {
	var there, done sync.WaitGroup
	confined := make(chan struct{})
	for range 8 {
		there.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			there.Done()
			<-confined
			out, err := exec.Command("grep", "NoNewPrivs", "/proc/self/status").CombinedOutput()
			if err != nil {
				out = append(out, err.Error()+"\n"...)
			}
			_, _ = os.Stdout.Write(out)
		})
	}
	there.Wait()
	if inForce, err := Landlock(Needs{Execute: true}); inForce != "no_new_privs" || !errors.Is(err, ErrPrograms) {
		fmt.Println(inForce, err)
	}
	close(confined)
	done.Wait()
}

// TestStartedProgramsGetNoNewPrivileges is about what the log says of a server
// that runs a hook's program.
func TestStartedProgramsGetNoNewPrivileges(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), starter+"=1")
	out, err := cmd.CombinedOutput()
	if want := strings.Repeat("NoNewPrivs:\t1\n", 8); err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// escape confines the process, then tries what it must not and what it must.
// It prints a line for each try.
func escape(folder string) {
	inside, outside := filepath.Join(folder, "inside"), filepath.Join(folder, "outside")
	allowed, _ := strconv.ParseUint(os.Getenv("SEALQUAY_TEST_PORT"), 10, 16)
	if err := Process(); err != nil {
		fmt.Println("process:", err)
	}
	var core unix.Rlimit
	coreErr := unix.Getrlimit(unix.RLIMIT_CORE, &core)
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Printf("core=at most %d and %d bytes, dumpable %d, %v\n", core.Cur, core.Max, dumpable, errors.Join(coreErr, err))
	inForce, err := Landlock(Needs{
		Write: []string{inside}, Read: []string{filepath.Join(folder, "readable"), "/proc", "/nowhere"},
		Bind: []uint16{uint16(allowed)},
	})
	fmt.Printf("in force=%s %v\n", inForce, err)
	try := func(name string, err error) { fmt.Printf("%s=%v\n", name, err) }
	each := func(f func() error) error { // also on a thread that is new
		done := make(chan error)
		go func() { done <- f() }()
		return errors.Join(f(), <-done)
	}
	try("write inside", os.WriteFile(filepath.Join(inside, "new"), []byte("x"), 0o666))
	try("rename inside", os.Rename(filepath.Join(inside, "new"), filepath.Join(inside, "newer")))
	try("folder inside", os.MkdirAll(filepath.Join(inside, "a", "b"), 0o777))
	try("move inside", os.Rename(filepath.Join(inside, "newer"), filepath.Join(inside, "a", "b", "x")))
	try("read readable", readable(filepath.Join(folder, "readable", "file")))
	try("read own descriptors", readable("/proc/self/fdinfo/0"))
	try("bind allowed", listen(int(allowed)))

	try("read /etc/shadow", each(func() error { return readable("/etc/shadow") }))
	try("read outside", each(func() error { return readable(filepath.Join(outside, "file")) }))
	try("write outside", each(func() error { return os.WriteFile(filepath.Join(outside, "new"), nil, 0o600) }))
	try("write readable", os.WriteFile(filepath.Join(folder, "readable", "file"), nil, 0o600))
	try("truncate outside", os.Truncate(filepath.Join(outside, "file"), 0))
	try("remove outside", os.Remove(filepath.Join(outside, "file")))
	try("read by a link", readable(filepath.Join(inside, "link")))
	try("list /", list("/"))
	try("run /bin/true", exec.Command("/bin/true").Run())
	try("run itself", exec.Command("/proc/self/exe", "-h").Run())
	try("device inside", unix.Mknod(filepath.Join(inside, "null"), unix.S_IFCHR|0o666, 1<<8|3))
	try("pipe inside", unix.Mkfifo(filepath.Join(inside, "pipe"), 0o600))
	try("connect", connect(os.Getenv("SEALQUAY_TEST_CONNECT")))
	try("bind another", listen(int(allowed)+1))
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Read(make([]byte, 1))
	return err
}

func list(path string) error {
	_, err := os.ReadDir(path)
	return err
}

func listen(port int) error {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func connect(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

func TestNobodyGetsOut(t *testing.T) {
	t.Run("this user", func(t *testing.T) { testNobodyGetsOut(t, nil) })
	t.Run("nobody", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can become nobody; this user is as good")
		}
		testNobodyGetsOut(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	})
}

func testNobodyGetsOut(t *testing.T, as *syscall.SysProcAttr) {
	folder, err := os.MkdirTemp("", "sealquay-prisoner-") // whose parents others may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(filepath.Join(folder, "program"), program, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inside", "outside", "readable"} {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.Mkdir(path, 0o777), os.WriteFile(filepath.Join(path, "file"), []byte("secret"), 0o666),
			os.Chmod(path, 0o777), os.Chmod(filepath.Join(path, "file"), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(folder, "outside", "file"), filepath.Join(folder, "inside", "link")); err != nil {
		t.Fatal(err)
	}
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()

	cmd := exec.Command(filepath.Join(folder, "program"))
	cmd.SysProcAttr = as
	cmd.Env = append(os.Environ(), prisoner+"="+folder, "SEALQUAY_TEST_PORT="+port, "SEALQUAY_TEST_CONNECT="+target.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := make(map[string]string)
	for text := range strings.Lines(string(out)) {
		name, result, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "=")
		got[name] = result
	}
	if got["core"] != "at most 0 and 0 bytes, dumpable 0, <nil>" {
		t.Errorf("a core: %s", got["core"])
	}
	if strings.Contains(got["in force"], ErrUnsupported.Error()) {
		t.Skipf("NOT PROVED HERE: %v; what the process gives up without it is proved by the other tests", ErrUnsupported)
	}
	for _, name := range []string{"write inside", "rename inside", "folder inside", "move inside", "read readable", "read own descriptors", "bind allowed"} {
		if got[name] != "<nil>" {
			t.Errorf("%s: %s", name, got[name])
		}
	}
	ports := strings.Contains(got["in force"], "tcp")
	for _, name := range []string{"read /etc/shadow", "read outside", "write outside", "write readable", "truncate outside", "remove outside",
		"read by a link", "list /", "run /bin/true", "run itself", "device inside", "pipe inside", "connect", "bind another"} {
		if (name == "connect" || name == "bind another") && !ports {
			continue
		}
		if !strings.Contains(got[name], "permission denied") && !strings.Contains(got[name], "operation not permitted") {
			t.Errorf("%s succeeded or failed otherwise: %q", name, got[name])
		}
	}
	about, err := os.Stat(filepath.Join(folder, "inside", "a", "b", "x"))
	if err != nil {
		t.Error(err)
	} else if about.Mode().Perm() != 0o600 {
		t.Errorf("a file made with mode 0666 has %v", about.Mode())
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
