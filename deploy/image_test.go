package deploy

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sealquay/sealquay/internal/proof/s3server"
)

// TestImage starts what the Dockerfile's image holds, in an empty root, as its
// user, with its environment, and asks for its health as it does, once with all
// content on disk and once with it in S3. That the file builds is not shown:
// this needs Docker.
func TestImage(t *testing.T) {
	needRoot(t)
	image := stage(t, read(t, "Dockerfile"))
	t.Run("disk", func(t *testing.T) { runImage(t, image) })
	t.Run("s3", func(t *testing.T) {
		content, err := s3server.Start(t.Context(), t.TempDir())
		if errors.Is(err, s3server.ErrNotInstalled) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(content.Kill)
		runImage(t, image, "SEALQUAY_STORAGE_CONTENT=s3", "SEALQUAY_S3_ENDPOINT="+content.URL(),
			"SEALQUAY_S3_BUCKET="+s3server.Bucket, "SEALQUAY_S3_REGION="+s3server.Region,
			"AWS_ACCESS_KEY_ID="+s3server.AccessKey, "AWS_SECRET_ACCESS_KEY="+s3server.SecretKey)
	})
}

func runImage(t *testing.T, image container, env ...string) {
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
			Env: slices.Concat(image.env, env, []string{"SEALQUAY_ADMIN_ADDRESS="}),
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
