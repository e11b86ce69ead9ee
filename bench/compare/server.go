package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A server is one of the programs that are compared.
type server struct {
	name string
	// command starts the server in the foreground, to listen on 127.0.0.1:port
	// and to store below dir.
	command func(dir string, port int) (*exec.Cmd, error)
	// upload sends one stream of size bytes and returns when the server has
	// taken all of it.
	upload func(ctx context.Context, dir, addr string, stream int, size int64) error
}

// prepare returns sealquay first, the plain program, and of the peers those that
// are installed.
func prepare(ctx context.Context, root string, o options) ([]server, error) {
	ours, err := sealquay(ctx, root)
	if err != nil {
		return nil, err
	}
	plain, err := plainProgram()
	if err != nil {
		return nil, err
	}
	servers := []server{ours, plain}
	if o.other != "" {
		other, err := sealquayFrom(o.other)
		if err != nil {
			return nil, err
		}
		other.name = "the other build"
		servers = append(servers, other)
	}
	if !o.peers {
		return servers, nil
	}
	for _, optional := range []func(string) (server, error){nginx, openssh} {
		s, err := optional(root)
		if err != nil {
			fmt.Fprintln(os.Stderr, "left out:", err)
			continue
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// measure starts a server, sends size bytes to it in so many streams at once,
// and returns the processor seconds that it took per GiB.
func measure(ctx context.Context, s server, root string, streams int, size int64) (perGiB float64, err error) {
	dir, err := os.MkdirTemp(root, "run-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := touchMemory(dir, size+size/4); err != nil {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	cmd, err := s.command(dir, port)
	if err != nil {
		return 0, err
	}
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // its status after a signal says nothing
	}()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := awaitPort(ctx, addr); err != nil {
		return 0, err
	}
	before, err := processorSeconds(cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	if err := sendAll(ctx, s, dir, addr, streams, size); err != nil {
		return 0, err
	}
	after, err := processorSeconds(cmd.Process.Pid)
	return (after - before) / (float64(size) / (1 << 30)), err
}

func sendAll(ctx context.Context, s server, dir, addr string, streams int, size int64) error {
	errs := make([]error, streams)
	var all sync.WaitGroup
	for i := range streams {
		all.Go(func() { errs[i] = s.upload(ctx, dir, addr, i, size/int64(streams)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// awaitPort returns when a server listens.
func awaitPort(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on %s: %w", addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processorSeconds returns the time that a process and its descendants have
// used, those that have ended included (proc_pid_stat(5), fields 14 to 17).
func processorSeconds(pid int) (float64, error) {
	own, err := ticks(pid)
	if err != nil {
		return 0, err
	}
	children, err := childrenOf(pid)
	if err != nil {
		return 0, err
	}
	total := float64(own) / ticksPerSecond
	for _, child := range children {
		seconds, err := processorSeconds(child)
		if err != nil {
			continue // it ended meanwhile: the next look finds its time with the parent
		}
		total += seconds
	}
	return total, nil
}

// ticksPerSecond is USER_HZ, 100 on every Linux that Go runs on.
const ticksPerSecond = 100

func ticks(pid int) (total int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the command may hold blanks
	for _, field := range strings.Fields(rest)[11:15] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func childrenOf(pid int) (children []int, err error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				children = append(children, child)
			}
		}
	}
	return children, nil
}
