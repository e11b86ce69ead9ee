package deploy

import (
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestExposure holds the unit to what systemd thinks of it, on its scale from 0
// to 10.
func TestExposure(t *testing.T) {
	const most = 2.0
	said := output(t, "systemd-analyze", "security", "--offline=yes", "systemd/sealquay.service")
	found := regexp.MustCompile(`Overall exposure level for sealquay\.service: (\d+\.\d+)`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("systemd-analyze says no level:\n%s", said)
	}
	if level, err := strconv.ParseFloat(found[1], 64); err != nil || level > most {
		t.Errorf("the unit's exposure is %s, more than %.1f:\n%s", found[1], most, said)
	}
}

// TestUnitIsUnderstood has systemd read the unit. What it says of programs and
// pages that are not installed here does not count.
func TestUnitIsUnderstood(t *testing.T) {
	said, _ := exec.Command("systemd-analyze", "verify", "systemd/sealquay.service").CombinedOutput() // fails for what is not installed
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "sealquay.service") && !regexp.MustCompile(`is not executable|Command 'man `).MatchString(line) {
			t.Error(line)
		}
	}
}

// TestSystemCalls compares the unit's filter with what a server really calls,
// from its start to its end, with a client between.
func TestSystemCalls(t *testing.T) {
	let := filteredCalls(t)
	for _, call := range tracedCalls(t) {
		if !slices.Contains(let, call) {
			t.Errorf("the server calls %s, which the unit's filter refuses", call)
		}
	}
	if slices.Contains(let, "reboot") || slices.Contains(let, "chown") {
		t.Error("the filter lets through what it must not")
	}
}

// filteredCalls returns what the lines SystemCallFilter= let through.
func filteredCalls(t *testing.T) (let []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "systemd/sealquay.service")) {
		list, found := strings.CutPrefix(strings.TrimSpace(line), "SystemCallFilter=")
		if !found {
			continue
		}
		list, refuse := strings.CutPrefix(list, "~")
		for _, name := range strings.Fields(list) {
			for _, call := range callsOf(t, name) {
				let = slices.DeleteFunc(let, func(c string) bool { return c == call })
				if !refuse {
					let = append(let, call)
				}
			}
		}
	}
	return let
}

// callsOf returns the system calls of a name, which may be a set of sets.
func callsOf(t *testing.T, name string) (calls []string) {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	for line := range strings.Lines(output(t, "systemd-analyze", "syscall-filter", name)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && line != name {
			calls = append(calls, callsOf(t, line)...)
		}
	}
	return calls
}
