package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sealquay/sealquay/internal/proof/port"
)

// errNoBalancer means that this machine has no HAProxy.
var errNoBalancer = errors.New("HAProxy is not installed: apt-get install haproxy")

// balancer is HAProxy before the nodes. It tells them who connects by the PROXY
// protocol, and leaves out those that are not ready.
type balancer struct {
	addr  string
	cmd   *exec.Cmd
	ended chan struct{}
}

const balancerHead = `global
    maxconn 4096
defaults
    mode tcp
    retries 3
    option redispatch
    timeout connect 2s
    timeout client 90s
    timeout server 90s
    timeout check 3s
frontend clients
    bind %s
    default_backend nodes
backend nodes
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
`

func startBalancer(ctx context.Context, dir string, all []*node) (*balancer, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			return nil, errNoBalancer
		}
	}
	at, err := port.Free()
	if err != nil {
		return nil, err
	}
	b := &balancer{addr: fmt.Sprintf("127.0.0.1:%d", at), ended: make(chan struct{})}
	var text strings.Builder
	fmt.Fprintf(&text, balancerHead, b.addr)
	for i, n := range all {
		fmt.Fprintf(&text, "    server node%d %s send-proxy-v2 check port %d inter 250ms fall 2 rise 1\n", i+1, n.addr(), n.health)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	b.cmd = exec.Command(path, "-db", "-f", file) // in the foreground
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(b.ended); _ = b.cmd.Wait() }()
	return b, b.await(ctx)
}

func (b *balancer) await(ctx context.Context) error {
	for {
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-b.ended:
			return errors.New("HAProxy ended by itself")
		case <-ctx.Done():
			return fmt.Errorf("HAProxy: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *balancer) kill() {
	_ = b.cmd.Process.Kill() // gone already is as good
	<-b.ended
}
