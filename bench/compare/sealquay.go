package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/sealquay/sealquay/client"
)

// sealquay is the server of this repository, built as it is.
func sealquay(ctx context.Context, root string) (server, error) {
	binary := filepath.Join(root, "sealquay")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/sealquay").CombinedOutput(); err != nil {
		return server{}, fmt.Errorf("build sealquay: %w\n%s", err, out)
	}
	return sealquayFrom(binary)
}

func sealquayFrom(binary string) (server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return server{}, err
	}
	key, err := client.NewKey()
	if err != nil {
		return server{}, err
	}
	return server{
		name: "sealquay",
		command: func(dir string, port int) (*exec.Cmd, error) {
			cmd := exec.Command(binary, "serve", "--data-dir", "data", "--ip", "127.0.0.1", "--port", strconv.Itoa(port))
			cmd.Dir = dir
			return cmd, nil
		},
		upload: func(ctx context.Context, _, addr string, stream int, size int64) error {
			return uploadEncrypted(ctx, addr, key, fmt.Sprintf("client %d", stream), size)
		},
	}, nil
}

func uploadEncrypted(ctx context.Context, addr string, key *client.Key, name string, size int64) error {
	s, err := client.Dial(ctx, client.Options{Server: addr})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Register(ctx, name); err != nil {
		return err
	}
	if err := s.ExchangeKey(ctx, name, key); err != nil {
		return err
	}
	_, err = s.Send(ctx, client.File{Name: "file", Size: size, Content: newContent(size)}, nil)
	return err
}
