package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
)

// sshdConfig takes sftp with a key of the run's own, under aes128-gcm. It does
// not sync.
const sshdConfig = `Port %d
ListenAddress 127.0.0.1
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/client.pub
PidFile none
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp
`

func openssh(string) (server, error) {
	binary, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		return server{}, err
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd wants it for its unprivileged part
		return server{}, err
	}
	return server{
		name: "OpenSSH, sftp",
		command: func(dir string, port int) (*exec.Cmd, error) {
			absolute, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			if err := sshDirectory(absolute, port); err != nil {
				return nil, err
			}
			return exec.Command(binary, "-D", "-f", filepath.Join(absolute, "sshd_config")), nil
		},
		upload: putSFTP,
	}, nil
}

func sshDirectory(dir string, port int) error {
	for _, name := range []string{"host", "client"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ssh-keygen: %w\n%s", err, out)
		}
	}
	return os.WriteFile(filepath.Join(dir, "sshd_config"), fmt.Appendf(nil, sshdConfig, port, dir), 0o600)
}

// putSFTP sends one stream by the sftp program, from a pipe in the place of a
// file.
func putSFTP(ctx context.Context, dir, addr string, stream int, size int64) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	local := filepath.Join(absolute, fmt.Sprintf("local-%d", stream))
	if err := writeFile(local, size); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sftp", "-q", "-b", "-", "-P", port, "-i", filepath.Join(absolute, "client"),
		"-o", "Ciphers=aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", me.Username+"@"+host)
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	go func() {
		defer input.Close()
		fmt.Fprintf(input, "put %q %q\n", local, filepath.Join(absolute, fmt.Sprintf("stored-%d", stream)))
	}()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("sftp: %w\n%s", err, out)
	}
	return os.Remove(local)
}

func writeFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, newContent(size).reader()); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
