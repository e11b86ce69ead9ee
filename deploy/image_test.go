package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestImage starts what the Dockerfile's image holds, in an empty root, as its
// user, with its environment, and asks for its health as it does. That the
// file builds is not shown: this needs Docker.
func TestImage(t *testing.T) {
	needRoot(t)
	image := stage(t, read(t, "Dockerfile"))
	root := t.TempDir()
	binary := filepath.Join(root, "sealquay")
	output(t, "cp", filepath.Join(build(t), "sealquay"), binary)
	data := filepath.Join(root, "var/lib/sealquay")
	output(t, "install", "-d", "-m", "0750", "-o", strconv.Itoa(image.user), "-g", strconv.Itoa(image.user), data)
	output(t, "install", "-d", filepath.Join(root, "dev"))
	output(t, "mknod", "--mode=0666", filepath.Join(root, "dev/null"), "c", "1", "3") // every container has it
	inside := func(args ...string) *exec.Cmd {
		return &exec.Cmd{
			Path: image.entrypoint[0], Args: append(image.entrypoint, args...), Dir: "/",
			Env: append(image.env, "SEALQUAY_ADMIN_ADDRESS="),
			SysProcAttr: &syscall.SysProcAttr{Chroot: root,
				Credential: &syscall.Credential{Uid: uint32(image.user), Gid: uint32(image.user)}},
		}
	}
	port, end := startServer(t, inside(append(image.command, "--port", "0")...))
	health := inside(append(image.health[1:], "--port", port)...)
	health.Path = image.health[0]
	if said, err := health.CombinedOutput(); err != nil {
		t.Errorf("the health check fails: %v\n%s", err, said)
	}
	send(t, binary, t.TempDir(), port)
	end()
	if _, err := os.Stat(filepath.Join(data, "sealquay.db")); err != nil {
		t.Error(err)
	}
	if said, err := inside(image.health[1:]...).CombinedOutput(); err == nil {
		t.Errorf("the health check of a server that ended says %s", said)
	}
}

// A container is how the last stage of a Dockerfile runs.
type container struct {
	user                        int
	env                         []string
	entrypoint, command, health []string
}

func stage(t *testing.T, dockerfile string) (c container) {
	t.Helper()
	var err error
	for line := range strings.Lines(strings.ReplaceAll(dockerfile, "\\\n", "")) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "FROM":
			c = container{user: -1}
		case "USER":
			user, _, _ := strings.Cut(rest, ":")
			c.user, err = strconv.Atoi(user)
		case "ENV":
			c.env = append(c.env, rest)
		case "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &c.entrypoint)
		case "CMD":
			err = json.Unmarshal([]byte(rest), &c.command)
		case "HEALTHCHECK":
			_, rest, _ = strings.Cut(rest, "CMD ")
			err = json.Unmarshal([]byte(rest), &c.health)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if c.user <= 0 {
		t.Errorf("the image runs as user %d", c.user)
	}
	return c
}
