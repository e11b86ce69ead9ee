package deploy

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealquay/sealquay/internal/documents"
)

// TestInstall does what docs/INSTALL.md shows: the packages are installed on a
// machine with systemd, and the program is built from a clone.
func TestInstall(t *testing.T) {
	packages := build(t)
	var fromPackage, fromClone []string
	for _, block := range documents.Commands(t, "INSTALL.md",
		documents.Change{Shown: "deploy/package/build\n", Run: "", Why: "build does it, once for all tests"},
		documents.Change{Shown: "apt install ./dist", Run: "apt-get install --yes --quiet ./dist", Why: "nobody is there to be asked"},
		documents.Change{Shown: "./sealquay serve\n", Run: "echo 1234 > port.info\n./sealquay serve 2> server.log &\nuntil sealquay health; do sleep 1; done\n", Why: "it does not end by itself"},
	) {
		if strings.Contains(block, "./cmd/sealquay") || strings.Contains(block, "completion") {
			fromClone = append(fromClone, block)
		} else {
			fromPackage = append(fromPackage, block)
		}
	}
	said := documents.Run(t, packages, append(fromClone, `
man --local-file ~/.local/share/man/man1/sealquay-serve.1 | head -5
bash -c '. ~/.local/share/bash-completion/completions/sealquay && complete -p sealquay'
`)...)
	if !strings.Contains(said, "answers") || !strings.Contains(said, "complete") {
		t.Errorf("no server, no manual or no completion:\n%s", said)
	}

	m := bootMachine(t)
	m.run("mkdir", "/srv/clone", "/srv/clone/dist")
	m.run("cp", m.put(one(t, filepath.Join(packages, "*.deb"))), "/srv/clone/dist")
	m.write("/etc/fail2ban/jail.d/defaults-debian.conf", "") // no sshd is here to be watched
	m.run("systemctl", "start", "fail2ban")
	said = m.run("bash", "-euxc", "cd /srv/clone\n"+strings.Join(fromPackage, "")+`
until fail2ban-client status sealquay; do sleep 0.1; done`)
	for _, want := range []string{"Started sealquay.service", "VERIFIED", "server.log"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}
