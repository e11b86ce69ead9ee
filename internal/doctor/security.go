package doctor

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"
)

// soon is when a certificate that expires is worth a word.
const soon = 30 * 24 * time.Hour

// Certificate judges the server's certificate, or why it cannot be used.
func Certificate(leaf *x509.Certificate, now time.Time, err error) Finding {
	const check = "certificate"
	if err != nil {
		return wrong(check, err.Error(), "mend tls.certificate, tls.key and tls.client_ca in config.json, or the files; the server must be able to read them")
	}
	seen := fmt.Sprintf("%s, valid until %s", leaf.Subject, leaf.NotAfter.UTC().Format(time.RFC3339))
	switch {
	case now.Before(leaf.NotBefore):
		return wrong(check, fmt.Sprintf("%s, valid from %s", leaf.Subject, leaf.NotBefore.UTC().Format(time.RFC3339)), "set the clock, or wait: clients refuse it until then")
	case now.After(leaf.NotAfter):
		return wrong(check, seen, "renew it: clients refuse it")
	case now.Add(soon).After(leaf.NotAfter):
		return hint(check, seen, "renew it; a server that runs takes the new files by itself")
	}
	return good(check, seen)
}

// Secrets judges who may read the files that hold a secret. Empty paths are
// none, and there is no finding when all are.
func Secrets(paths ...string) (findings []Finding) {
	for _, path := range paths {
		if path != "" {
			findings = append(findings, secret(path))
		}
	}
	return findings
}

func secret(path string) Finding {
	const check = "secret"
	info, err := os.Stat(path)
	if err != nil {
		return wrong(check, err.Error(), "put it there, for the user that the server runs as")
	}
	seen := fmt.Sprintf("%s, mode %04o", path, info.Mode().Perm())
	if info.Mode().Perm()&0o007 != 0 {
		return hint(check, seen, "other users of the machine can read it: chmod o= "+path)
	}
	return good(check, seen)
}

// Confinement judges what the server gives up once it has started: what confine
// asks for, the version of the kernel's Landlock, 0 for none, and whether the
// server starts programs.
func Confinement(confine string, landlock int, programs bool) Finding {
	const check = "confinement"
	judge := hint
	if confine == "require" {
		judge = wrong
	}
	switch {
	case confine == "off":
		return hint(check, "it is off", `set confine to "auto": a server that is broken into can do less then`)
	case programs:
		return judge(check, "hooks.command starts programs: only new privileges are given up", "let hooks.url tell of files, so that files and ports are closed, too")
	case landlock == 0:
		return judge(check, "the kernel has no Landlock: only new privileges are given up", "a kernel from 5.13 on has it, with landlock in its parameter lsm=")
	case landlock < 4:
		return good(check, fmt.Sprintf("Landlock %d closes files; ports need a kernel from 6.7 on", landlock))
	}
	return good(check, fmt.Sprintf("Landlock %d closes files and ports", landlock))
}

// Hooks judges whether what is configured can be told; names are the hooks.
func Hooks(names []string, err error) Finding {
	const check = "hooks"
	if err != nil {
		return wrong(check, err.Error(), "the server does not start with it: mend it, or remove the setting")
	}
	return good(check, strings.Join(names, " and ")+" can be told")
}
