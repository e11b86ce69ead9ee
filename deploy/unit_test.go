package deploy

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnit has systemd run the unit: it starts, is reloaded, is killed, hangs,
// and ends, and an upgrade and the removal of the package find it running.
func TestUnit(t *testing.T) {
	m := bootMachine(t)
	m.run(append(dpkg.install, m.put(one(t, filepath.Join(build(t), "*.deb"))))...)
	if m.command("systemctl", "is-active", "sealquay").Run() == nil {
		t.Error("the package starts a server that nobody asked for")
	}
	m.run("systemctl", "enable", "--now", "sealquay") // ends when the server is ready
	m.run("sealquay", "health")
	m.deliver("first")
	m.confined()

	first := m.property("MainPID")
	m.run("systemctl", "reload", "sealquay")
	m.awaitLog("log.reopened")
	if pid := m.property("MainPID"); pid != first {
		t.Errorf("a reload made process %s of %s", pid, first)
	}

	m.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "sealquay")
	second := m.awaitAnother(first)
	m.deliver("second")

	m.write("/etc/systemd/system/sealquay.service.d/watchdog.conf", "[Service]\nWatchdogSec=2\n")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "sealquay")
	third := m.awaitAnother(second)
	pinged := m.property("WatchdogTimestampMonotonic")
	eventually(t, func() bool { return m.property("WatchdogTimestampMonotonic") != pinged },
		func() string { return "the server does not answer the watchdog" })
	m.run("kill", "-STOP", third)
	fourth := m.awaitAnother(third)
	if said := m.run("journalctl", "--unit=sealquay"); !strings.Contains(said, "Watchdog timeout") {
		t.Errorf("what hung was ended by something else than the watchdog:\n%s", said)
	}
	m.deliver("third")

	m.run(append(dpkg.upgrade, m.put(m.newer(dpkg)))...)
	m.awaitAnother(fourth)
	m.deliver("fourth")
	m.run("systemctl", "stop", "sealquay")
	if result := m.property("Result"); result != "success" {
		t.Errorf("the server was stopped with %s", result)
	}
	m.run("setpriv", "--reuid=sealquay", "--regid=sealquay", "--init-groups", "env", "--chdir=/etc/sealquay", "sealquay", "check", "--deep")

	m.run("systemctl", "start", "sealquay")
	m.run(dpkg.remove...)
	if said, _ := m.command("systemctl", "is-active", "sealquay").Output(); strings.TrimSpace(string(said)) != "inactive" {
		t.Errorf("after its removal the server is %s", said)
	}
	m.gone("/etc/systemd/system/multi-user.target.wants/sealquay.service")
}

// TestUnitWithALowPort does what docs/INSTALL.md says for a port below 1024.
func TestUnitWithALowPort(t *testing.T) {
	m := bootMachine(t)
	m.run(append(dpkg.install, m.put(one(t, filepath.Join(build(t), "*.deb"))))...)
	m.write("/etc/sealquay/port.info", "999\n")
	if m.command("systemctl", "start", "sealquay").Run() == nil {
		t.Error("the unit needs nothing for a low port")
	}
	m.run("systemctl", "stop", "sealquay")
	shown := regexp.MustCompile("(?s)`systemctl edit sealquay`:\n\n```\n(.*?)```").FindStringSubmatch(read(t, "../docs/INSTALL.md"))
	if shown == nil {
		t.Fatal("docs/INSTALL.md shows nothing to edit")
	}
	m.write("/etc/systemd/system/sealquay.service.d/override.conf", shown[1])
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "sealquay")
	m.run("sealquay", "health", "--port", "999")
}

// property is what systemd knows of the unit.
func (m machine) property(name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--property="+name, "--value", "sealquay"))
}

// awaitAnother waits until another process serves.
func (m machine) awaitAnother(before string) (pid string) {
	m.t.Helper()
	eventually(m.t, func() bool {
		pid = m.property("MainPID")
		return pid != before && m.property("ActiveState") == "active"
	}, func() string { return "no other server is started:\n" + m.run("journalctl", "--unit=sealquay") })
	return pid
}

// deliver has a client of its own send a file.
func (m machine) deliver(name string) {
	m.t.Helper()
	m.write("/tmp/"+name+"/file", name)
	m.run("sealquay", "send", "--dir", "/tmp/"+name, "--server", "127.0.0.1:1234", "--name", name, "/tmp/"+name+"/file")
}

// log returns the log's lines of an event.
func (m machine) log(event string) (lines []map[string]any) {
	m.t.Helper()
	for text := range strings.Lines(m.run("cat", "/var/log/sealquay/server.log")) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			m.t.Fatalf("%v: %s", err, text)
		}
		if line["event"] == event {
			lines = append(lines, line)
		}
	}
	return lines
}

func (m machine) awaitLog(event string) {
	m.t.Helper()
	eventually(m.t, func() bool { return len(m.log(event)) > 0 },
		func() string { return "no " + event + " in the log:\n" + m.run("cat", "/var/log/sealquay/server.log") })
}

// confined looks at what holds the server, and tries to get out of it: in its
// namespaces, as its user.
func (m machine) confined() {
	m.t.Helper()
	pid := m.property("MainPID")
	status := m.run("cat", "/proc/"+pid+"/status")
	for _, want := range []string{"CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(status, want) {
			m.t.Errorf("no %q in the server's status:\n%s", want, status)
		}
	}
	user := strings.TrimSpace(m.run("id", "-u", "sealquay"))
	if !strings.Contains(status, fmt.Sprintf("Uid:\t%s\t%[1]s\t%[1]s\t%[1]s\n", user)) {
		m.t.Errorf("the server is not of user %s:\n%s", user, status)
	}
	inside := func(script string) *exec.Cmd {
		return m.command("nsenter", "--target", pid, "--mount", "--", "setpriv", "--reuid=sealquay", "--regid=sealquay", "--init-groups", "sh", "-ec", script)
	}
	for _, can := range []string{
		"touch /var/lib/sealquay/x && rm /var/lib/sealquay/x",
		"touch /var/log/sealquay/x && rm /var/log/sealquay/x",
		"cat /etc/sealquay/config.json /proc/sys/net/core/somaxconn",
	} {
		if said, err := inside(can).CombinedOutput(); err != nil {
			m.t.Errorf("the server cannot %s: %v\n%s", can, err, said)
		}
	}
	m.run("chmod", "777", "/etc/sealquay", "/srv", "/home") // what keeps the server out is not the mode
	m.run("touch", "/tmp/outside")
	m.run("mknod", "--mode=0666", "/dev/hidden", "c", "1", "3")
	for _, cannot := range []string{
		"touch /etc/sealquay/x",
		"touch /srv/x",
		"touch /home/x",
		"ls /tmp/outside",
		"test -e /dev/hidden",
		"echo 1 >/sys/fs/cgroup/cgroup.procs",
		"ls /proc/1/status",
	} {
		if said, err := inside(cannot).CombinedOutput(); err == nil {
			m.t.Errorf("the server can %s\n%s", cannot, said)
		}
	}
	if lines := m.log("server.confined"); len(lines) != 1 {
		m.t.Errorf("the server says of its confinement %v", lines)
	}
}
