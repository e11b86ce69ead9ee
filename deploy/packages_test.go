package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installed is what either package leaves on a machine.
var installed = map[string]string{
	"/usr/bin/sealquay":                                   "-rwxr-xr-x root:root",
	"/etc/sealquay/config.json":                           "-rw-r--r-- root:root",
	"/etc/sealquay/port.info":                             "-rw-r--r-- root:root",
	"/etc/logrotate.d/sealquay":                           "-rw-r--r-- root:root",
	"/etc/fail2ban/filter.d/sealquay.conf":                "-rw-r--r-- root:root",
	"/usr/lib/systemd/system/sealquay.service":            "-rw-r--r-- root:root",
	"/usr/lib/sysusers.d/sealquay.conf":                   "-rw-r--r-- root:root",
	"/usr/lib/tmpfiles.d/sealquay.conf":                   "-rw-r--r-- root:root",
	"/usr/share/man/man1/sealquay.1.gz":                   "-rw-r--r-- root:root",
	"/usr/share/man/man1/sealquay-serve.1.gz":             "-rw-r--r-- root:root",
	"/usr/share/bash-completion/completions/sealquay":     "-rw-r--r-- root:root",
	"/usr/share/fish/vendor_completions.d/sealquay.fish":  "-rw-r--r-- root:root",
	"/usr/share/doc/sealquay/README.md":                   "-rw-r--r-- root:root",
	"/usr/share/doc/sealquay/CONFIGURATION.md":            "-rw-r--r-- root:root",
	"/usr/share/doc/sealquay/examples/fail2ban-jail.conf": "-rw-r--r-- root:root",
	"/var/lib/sealquay":                                   "drwxr-x--- sealquay:sealquay",
	"/var/log/sealquay":                                   "drwxr-x--- sealquay:sealquay",
}

// A packager is dpkg or rpm.
type packager struct {
	install, upgrade, remove []string
	pattern                  string
	kept                     string // where a changed configuration is after the removal
}

var (
	dpkg = packager{
		install: []string{"dpkg", "--install"}, upgrade: []string{"dpkg", "--install"},
		remove: []string{"dpkg", "--remove", "sealquay"}, pattern: "*.deb",
		kept: "/etc/sealquay/config.json",
	}
	// Debian's rpm knows none of the packages that are installed here.
	rpm = packager{
		install: []string{"rpm", "--force-debian", "--nodeps", "--install"}, upgrade: []string{"rpm", "--force-debian", "--nodeps", "--upgrade"},
		remove: []string{"rpm", "--force-debian", "--nodeps", "--erase", "sealquay"}, pattern: "*.rpm",
		kept: "/etc/sealquay/config.json.rpmsave",
	}
)

// TestDeb installs, upgrades, removes and purges the package.
func TestDeb(t *testing.T) {
	m := newMachine(t)
	m.tryPackage(dpkg)
	m.run("dpkg", "--purge", "sealquay")
	m.gone("/etc/sealquay", "/etc/logrotate.d/sealquay", "/var/log/sealquay")
	m.expect(map[string]string{"/var/lib/sealquay/files": "drwx------ sealquay:sealquay"})
}

// TestRPM installs, upgrades and removes the package.
func TestRPM(t *testing.T) {
	m := newMachine(t)
	m.tryPackage(rpm)
	m.gone("/etc/logrotate.d/sealquay", "/etc/sealquay/config.json")
	m.expect(map[string]string{"/var/lib/sealquay/files": "drwx------ sealquay:sealquay"})
}

func (m machine) tryPackage(p packager) {
	m.t.Helper()
	m.run(append(slices.Clone(p.install), m.put(one(m.t, filepath.Join(build(m.t), p.pattern))))...)
	m.expect(installed)
	if got := m.run("sealquay", "version"); !strings.HasPrefix(got, "sealquay v0.0.1 ") {
		m.t.Errorf("the installed version is %q", got)
	}
	m.run("logrotate", "--debug", "--state", "/tmp/state", "/etc/logrotate.d/sealquay")
	m.serve()
	m.run("sed", "-i", "s/127.0.0.1/127.0.0.2/", "/etc/sealquay/config.json")

	m.run(append(slices.Clone(p.upgrade), m.put(m.newer(p)))...)
	m.expect(installed)
	if got := m.run("cat", "/etc/sealquay/config.json"); !strings.Contains(got, "127.0.0.2") {
		m.t.Errorf("the upgrade lost what the operator wrote:\n%s", got)
	}

	m.run(p.remove...)
	m.gone("/usr/bin/sealquay", "/usr/lib/systemd/system/sealquay.service")
	if got := m.run("cat", p.kept); !strings.Contains(got, "127.0.0.2") {
		m.t.Errorf("the removal lost what the operator wrote:\n%s", got)
	}
}

// serve runs the server as the unit does: as its user, in its folder.
func (m machine) serve() {
	m.t.Helper()
	cmd := m.command("setpriv", "--reuid=sealquay", "--regid=sealquay", "--init-groups", "--no-new-privs", "--bounding-set=-all",
		"env", "--chdir=/etc/sealquay", "SEALQUAY_LOG_FILE=", "SEALQUAY_ADMIN_ADDRESS=", "sealquay", "serve", "--port", "0")
	port, end := startServer(m.t, cmd)
	m.run("sealquay", "health", "--port", port)
	end()
	m.expect(map[string]string{"/var/lib/sealquay/sealquay.db": "-rw------- sealquay:sealquay"})
}

// newer builds the packager's package of the next version from the same binary.
func (m machine) newer(p packager) string {
	m.t.Helper()
	folder := m.t.TempDir()
	cmd := exec.Command("go", "tool", "-modfile=.ci/tools/go.mod", "nfpm", "package", "--config", "deploy/package/nfpm.yaml",
		"--packager", p.pattern[2:], "--target", folder)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "VERSION=v0.0.2", "STAGE="+build(m.t), "ARCH="+strings.TrimSpace(output(m.t, "go", "env", "GOARCH")))
	if said, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("nfpm: %v\n%s", err, said)
	}
	return one(m.t, filepath.Join(folder, p.pattern))
}
