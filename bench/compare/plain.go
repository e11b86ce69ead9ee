package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// plainArgument makes this program the plain receiver.
const plainArgument = "plain-receiver"

// plainProgram is the limit: a Go program that does only the unavoidable. It
// reads from TCP into chunks of 256 KiB, writes them to a file, syncs it and
// says so.
func plainProgram() (server, error) {
	self, err := os.Executable()
	if err != nil {
		return server{}, err
	}
	return server{
		name: "plain Go program",
		command: func(dir string, port int) (*exec.Cmd, error) {
			cmd := exec.Command(self, plainArgument)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PLAIN_PORT="+strconv.Itoa(port))
			cmd.Stderr = os.Stderr
			return cmd, nil
		},
		upload: uploadPlainly,
	}, nil
}

func uploadPlainly(ctx context.Context, _, addr string, _ int, size int64) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := newContent(size).writeTo(c); err != nil {
		return err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// receivePlainly serves until it is ended.
func receivePlainly() error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PLAIN_PORT")))
	if err != nil {
		return err
	}
	for number := 0; ; number++ {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if err := storePlainly(c, fmt.Sprintf("file-%d", number)); err != nil {
				fmt.Fprintln(os.Stderr, "plain receiver:", err)
			}
		}()
	}
}

func storePlainly(c net.Conn, name string) error {
	f, err := os.Create(filepath.Join(".", name))
	if err != nil {
		return err
	}
	defer f.Close()
	for chunk := make([]byte, 256<<10); ; {
		n, err := io.ReadFull(c, chunk)
		if _, err := f.Write(chunk[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	_, err = c.Write([]byte{1})
	return err
}
