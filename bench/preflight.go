package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
)

// spareDescriptors is what a process needs besides its connections.
const spareDescriptors = 64

// Preflight says what this machine lacks for the plan. The error joins all of it.
func Preflight(p *Plan) error {
	var problems []error
	if limit, need := descriptorLimit(), uint64(p.slots()+spareDescriptors); limit > 0 && limit < need {
		problems = append(problems, fmt.Errorf("%d clients need %d descriptors, and this process may have %d: raise ulimit -n", p.slots(), need, limit))
	}
	if ports := ephemeralPorts() * p.Sources; ports > 0 && ports < p.slots() {
		problems = append(problems, fmt.Errorf("%d clients need as many ports, and %d addresses have %d: use more --sources, or widen net.ipv4.ip_local_port_range", p.slots(), p.Sources, ports))
	}
	return errors.Join(problems...)
}

// ephemeralPorts returns how many ports an address has for outgoing
// connections, or 0 if that is not known.
func ephemeralPorts() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var low, high int
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		return 0
	}
	return high - low + 1
}

// Sources returns how many source addresses suit a target: a few of this
// machine's loopback addresses, so that connections that were closed a moment
// ago (TIME_WAIT, a minute each) leave ports enough; 1 for any other target.
func Sources(target string) int {
	const several = 32
	host, _, _ := net.SplitHostPort(target)
	if ip := net.ParseIP(host).To4(); ip != nil && ip.IsLoopback() && runtime.GOOS == "linux" {
		return several
	}
	return 1
}

// Probe registers one client with the server and returns its dialect, as the
// plan names it.
func Probe(ctx context.Context, p *Plan, name string) (dialect string, err error) {
	options := client.Options{Server: p.Target, Timeout: p.Timeout}
	if p.TLS {
		options.Dial = throughTLS(nil)
	}
	session, err := client.Dial(ctx, options)
	if err != nil {
		return "", err
	}
	defer session.Close()
	if _, err := session.Register(ctx, name); err != nil {
		return "", fmt.Errorf("probe %s: %w", p.Target, err)
	}
	if session.Dialect() == codec.Seed {
		return codec.Seed.String(), nil
	}
	return codec.Documented.String(), nil
}
