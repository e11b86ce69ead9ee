package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sealquay/sealquay/internal/documents"
)

// written finds the command lines of sealquay in a text: at the start of a line,
// behind a word of the shell, or between backquotes.
var written = regexp.MustCompile("(?m)(?:^[ \t]*|`|&& |\\| |until |while )sealquay((?: +(?:'[^']*'|[^ \t\n`'|&;<>#)]+))+)(?: *[0-9]?>)?")

// placeholders stand for what only the reader knows.
var placeholders = strings.NewReplacer("PID", "1", "$!", "1", "[FILE…]", "server.log", "FILE…", "server.log",
	"/tmp/sample.log", "server.log", " 2>", "", " >", "")

// TestDocumentedCommandLines: every command line that a document shows can be
// typed like that.
func TestDocumentedCommandLines(t *testing.T) {
	texts := make(map[string]string)
	for _, path := range documents.All(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range regexp.MustCompile("`sealquay [^`\n]+`").FindAll(text, -1) {
			texts[path] += string(span) + "\n"
		}
		texts[path] += strings.Join(documents.Blocks(string(text)), "")
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("server.log", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for path, text := range texts {
		for _, found := range written.FindAllString(text, -1) {
			line := placeholders.Replace(found)
			_, line, _ = strings.Cut(line, "sealquay")
			checked++
			if err := typed(words(line)); err != nil {
				t.Errorf("%s: sealquay%s: %v", filepath.Base(path), line, err)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d command lines were found", checked)
	}
}

// words splits a command line.
func words(line string) (all []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|[^ \t`+"`"+`]+`).FindAllString(line, -1) {
		all = append(all, strings.Trim(word, "'"))
	}
	return all
}

// typed reports why a command line cannot be typed. One that only names a
// command, without what it needs, can.
func typed(args []string) error {
	parser, err := kong.New(new(commands), kong.Name("sealquay"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { panic(exit(0)) }))
	if err != nil {
		return err
	}
	defer func() { _ = recover() }() // --help
	trace, err := kong.Trace(parser, args)
	if err != nil {
		return err
	}
	return trace.Error
}

// follow runs what a document shows, as somebody does who follows it in a clone,
// between two scripts of the test's, and returns all that is printed.
func follow(t *testing.T, before string, shown []string, after string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if err := os.Symlink(self, filepath.Join(programs, "sealquay")); err != nil {
		t.Fatal(err)
	}
	return documents.Run(t, programs, slices.Concat([]string{before}, shown, []string{after})...)
}

// started starts a server and waits for it. Its log is in server.log.
const started = "sealquay serve 2> server.log &\nuntil sealquay health 2> health.log; do sleep 1; done\n"

// has looks for texts in what was printed.
func has(t *testing.T, said string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

const (
	shorter = "a test is to take seconds"
	endless = "it does not end by itself"
)

// otherProcesses skips, under the race detector, what would be built without it.
func otherProcesses(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("runs programs that the race detector is not in")
	}
}

func TestTutorial(t *testing.T) {
	said := follow(t, "", documents.Commands(t, "TUTORIAL.md"), "")
	has(t, said, "acknowledged  letter.txt: 12 bytes, crc32 8b0a75c0, tries: 1", "2 files, 35 bytes read, 0 problems")
}

func TestReadme(t *testing.T) {
	otherProcesses(t)
	said := follow(t, "", documents.Commands(t, "README.md",
		documents.Change{Shown: "go run ./cmd/sealquay serve\n", Run: "go run ./cmd/sealquay serve &\n", Why: endless},
		documents.Change{Shown: "../sealquay send\n", Run: "until ../sealquay health; do sleep 1; done\n../sealquay send\n", Why: "a person is slower than the server's start"},
		documents.Change{Shown: "head -c 1G ", Run: "head -c 1M ", Why: shorter}), "")
	has(t, said, "acknowledged  big.bin: 1048576 bytes", "\nthe same\n")
}

func TestOperating(t *testing.T) { follow(t, "", documents.Commands(t, "OPERATING.md"), "") }

func TestSoftwareBill(t *testing.T) {
	otherProcesses(t)
	// The commands of documents find no network: the tool has to be there.
	fetch := exec.Command("go", "build", "-modfile=.ci/tools/go.mod", "-o", os.DevNull, "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod")
	fetch.Dir = "../.."
	if said, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", fetch, err, said)
	}
	follow(t, "", documents.Commands(t, "SECURITY.md"), `jq -e '.components | map(.name) | index("modernc.org/sqlite")' sbom.json`)
}

func TestLoggingCommands(t *testing.T) {
	shown := documents.Commands(t, "LOGGING.md",
		documents.Change{Shown: "sealquay logs --follow server.log\n", Run: "timeout 2 sealquay logs --follow server.log || [ $? = 124 ]\n", Why: endless},
		documents.Change{Shown: " server.log\n", Run: " server.log || [ $? = 1 ]\n", Why: "1 says that nothing is found"},
		documents.Change{Shown: "SEALQUAY_LOG_MIB=1024 ", Run: "SEALQUAY_LOG_MIB=64 ", Why: shorter},
		documents.Change{Shown: "/tmp/sample.log", Run: "$PWD/sample.log", Why: "other tests may have one"})
	said := follow(t, started+"echo text > letter.txt\nsealquay send --server 127.0.0.1:1234 --name alice letter.txt\nkill %1\nwait %1\n", shown, "")
	has(t, said, "valid_crc", "BenchmarkFilter", "\nreal")
	if strings.Contains(said, "sealquay: ") {
		t.Errorf("something fails:\n%s", said)
	}
}

// TestMonitoringCommands asks a server that is busy.
func TestMonitoringCommands(t *testing.T) {
	shown := documents.Commands(t, "MONITORING.md",
		documents.Change{Shown: "SEALQUAY_DURABILITY=relaxed sealquay serve 2> server.log &", Run: "kill %1\nwait %1\nSEALQUAY_DURABILITY=relaxed sealquay serve 2> server.log &", Why: "one serves already"},
		documents.Change{Shown: "-d 40s", Run: "-d 4s", Why: shorter},
		documents.Change{Shown: "seq 25", Run: "seq 2", Why: shorter},
		documents.Change{Shown: "seconds=20", Run: "seconds=1", Why: shorter})
	said := follow(t, started, shown, "")
	has(t, said, "ok\n", "ready\n", "sealquay_connections_open 0", "Duration: 1", "SUCCESS")
}

// TestBackupCommands runs them while files are replaced, and lets the server
// receive again after the restore.
func TestBackupCommands(t *testing.T) {
	const onlyStray = " > found.txt || ! grep -vE '^stray|problems$' found.txt\n"
	shown := documents.Commands(t, "BACKUP.md",
		documents.Change{Shown: "sealquay check --deep --data-dir /backup\n", Run: "sealquay check --deep --data-dir /backup" + onlyStray, Why: "what is stray is told of below"},
		documents.Change{Shown: "/backup", Run: "../backup", Why: "no folder of the machine's is touched"},
		documents.Change{Shown: "mkdir -m 700 data\n", Run: `touch enough
wait $client
kill %1
wait %1
rm -r data
mkdir -m 700 data
`, Why: "the disk is lost"},
		documents.Change{Shown: "sealquay check --deep --data-dir data\n", Run: "sealquay check --deep --data-dir data" + onlyStray, Why: "what is stray is told of above"},
		documents.Change{Shown: "sealquay serve --data-dir data\n", Run: "sealquay serve --data-dir data 2> restored.log &\nuntil sealquay health; do sleep 1; done\n", Why: endless})
	shown = slices.Insert(shown, 1, shown[0], shown[0]) // a backup goes to where the one before is
	said := follow(t, started+`mkdir ../backup
for i in 1 2 3 4 5 6 7 8; do echo $i > kept$i.txt; done
sealquay send --server 127.0.0.1:1234 --name alice kept*.txt > sent.txt
(i=0; while [ ! -e enough ]; do echo $((i += 1)) > replaced.txt; sealquay send --server 127.0.0.1:1234 --name alice replaced.txt kept8.txt > sent.txt; done) &
client=$!
until sealquay files list | grep replaced; do sleep 0.1; done
`, shown, `echo after > after.txt
sealquay send --server 127.0.0.1:1234 --name alice after.txt
sealquay files list --verified
for i in 1 2 3 4 5 6 7 8; do sealquay files get alice kept$i.txt -o got --force; cmp got kept$i.txt; done
sealquay check --deep | tail -1
`)
	has(t, said, "acknowledged  after.txt", " replaced.txt ", " 0 problems")
}

// TestMigrationCommands moves an old server's files, and then those of the seed's.
func TestMigrationCommands(t *testing.T) {
	shown := documents.Commands(t, "MIGRATION.md",
		documents.Change{Shown: "/var/lib/sealquay", Run: "data", Why: "no folder of the machine's is touched"},
		documents.Change{Shown: "--from-seed /srv/old-server", Run: "--from-seed internal/seed/testdata/good --config cluster.json", Why: "this is what an old server left"})
	said := follow(t, started+`echo text > letter.txt
sealquay send --server 127.0.0.1:1234 --name alice letter.txt
kill %1
wait %1
echo '{ "data_dir": "new" }' > cluster.json
`, shown, "sealquay clients list --config cluster.json\n")
	has(t, said, "1 files, 5 bytes read, 0 problems", "alice", "Michael Jackson")
}

// TestCapture has tshark listen to a session, until it has shown the last answer.
func TestCapture(t *testing.T) {
	needProgram(t, "tshark")
	shown := documents.Commands(t, "PROTOCOL.md",
		documents.Change{Shown: "-Y sealquay\n", Run: "-Y sealquay -l > shown.txt 2> said.txt &\n", Why: endless})
	said := follow(t, started, shown, `until grep -q '^Capturing on' said.txt; do sleep 0.1; done
echo text > letter.txt
until sealquay send --server 127.0.0.1:1234 --name alice letter.txt && grep -q 2104 shown.txt; do sleep 0.1; done
cat shown.txt
`)
	has(t, said, "1103", "2103", "1104", "2104")
}

func TestClientOfTheDocument(t *testing.T) {
	said := follow(t, started+"echo text > letter.txt\n", documents.Commands(t, "WRITING-A-CLIENT.md",
		documents.Change{Shown: "sealquay serve --data-dir trial\n", Run: "kill %1\nwait %1\nsealquay serve --data-dir trial 2> trial.log &\nuntil sealquay health; do sleep 1; done\n", Why: endless}), "")
	has(t, said, "acknowledged: letter.txt")
}

// TestProofCommands runs the long proofs, shortly.
func TestProofCommands(t *testing.T) {
	otherProcesses(t)
	if os.Geteuid() != 0 {
		t.Skip("the proof of power cuts needs to be root")
	}
	said := follow(t, "", slices.Concat(documents.Commands(t, "CLUSTER.md"), documents.Commands(t, "DURABILITY.md",
		documents.Change{Shown: "-kills 1000", Run: "-kills 5", Why: shorter},
		documents.Change{Shown: "-cuts 1000", Run: "-cuts 2 -mutant-cuts 0", Why: shorter})), "")
	if n := len(regexp.MustCompile(`(?m)^(?:wrong|lost) +0$`).FindAllString(said, -1)); n != 3 {
		t.Errorf("%d of 3 proofs say that nothing is wrong:\n%s", n, said)
	}
}

// TestPerformanceCommands runs what measures, so shortly that nothing is measured.
func TestPerformanceCommands(t *testing.T) {
	otherProcesses(t)
	said := follow(t, "", documents.Commands(t, "PERFORMANCE.md",
		documents.Change{Shown: "-mib 1024 -rounds 5", Run: "-mib 16 -rounds 1 -peers=false", Why: "nginx and OpenSSH's server are not installed; " + shorter},
		documents.Change{Shown: "--size 64MiB", Run: "--size 1MiB", Why: shorter},
		documents.Change{Shown: "-benchtime=4000x -count=5", Run: "-benchtime=20x", Why: shorter},
		documents.Change{Shown: "./bench/growth\n", Run: "./bench/growth -levels 1,4 -duration 1s\n", Why: shorter}), "")
	has(t, said, "plain Go program", "16 succeeded, 0 failed", "of-plain", "RSS")
}

// TestBenchmarkCommands lets two agents have their addresses.
func TestBenchmarkCommands(t *testing.T) {
	otherProcesses(t)
	said := follow(t, "export SEALQUAY_BENCH_TOKEN=secret SEALQUAY_SERVER_IP_ADDRESS=0.0.0.0\nfor i in 1 7 8; do ip addr add 10.0.0.$i/8 dev lo; done\n", documents.Commands(t, "BENCHMARKS.md",
		documents.Change{Shown: "--duration 12s --warmup 2s", Run: "--duration 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "--stages 10s:0-5000,30s:5000", Run: "--stages 1s:0-500 --idle 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "--rate 500 --clients 200 --fail 'p99<50ms'", Run: "--rate 50 --clients 20 --fail 'p99<10s' --duration 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "--stages 30s:0-2000", Run: "--stages 1s:0-50 --warmup 0s", Why: shorter},
		documents.Change{Shown: "lognormal:16KiB:1.5:64MiB", Run: "lognormal:16KiB:1.5:64MiB --duration 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "--files 20 --size 16MiB --clients 4 --pid PID", Run: "--files 20 --size 1MiB --clients 4 --pid $! --duration 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "127.0.0.1:1256", Run: "127.0.0.1:1234 --duration 1s --warmup 0s --pause 0s", Why: "the seed's server is not here"},
		documents.Change{Shown: "before.json   ", Run: "before.json --duration 1s --warmup 0s   ", Why: shorter},
		documents.Change{Shown: "--json after.json", Run: "--json after.json --duration 1s --warmup 0s", Why: shorter},
		documents.Change{Shown: "sealquay bench agent --listen 10.0.0.7:7234 --remote", Run: "for i in 7 8; do sealquay bench agent --listen 10.0.0.$i:7234 --remote & until (: < /dev/tcp/10.0.0.$i/7234) 2> /dev/null; do sleep 0.1; done; done", Why: endless},
		documents.Change{Shown: "--target 10.0.0.1:1234 --remote", Run: "--target 10.0.0.1:1234 --remote --duration 1s --warmup 0s", Why: shorter}), "")
	has(t, said, "with the very content", "session", "2 agents")
}

// TestExampleClient runs the client that docs/WRITING-A-CLIENT.md shows: a first
// run, a second one, and one that is refused.
func TestExampleClient(t *testing.T) {
	s := startTestServer(t)
	program, err := filepath.Abs("../../docs/examples/client.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(dir, file string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "python3", program, "127.0.0.1", fmt.Sprint(s.addr.Port()), "zoe", file)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, content := range []string{"", "sixteen bytes...", strings.Repeat("content", 100_000)} {
		file := fmt.Sprintf("%d.txt", len(content))
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(dir, file); err != nil || !strings.Contains(out, "acknowledged: "+file) {
			t.Errorf("%v\n%s", err, out)
		}
		s.checkStored(t, "zoe", file, []byte(content))
	}
	if out, err := run(t.TempDir(), program); err == nil || !strings.Contains(out, "refused") {
		t.Errorf("a second zoe: %v\n%s", err, out)
	}
}
