package rooms

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sealquay/sealquay/"

// A room says what its package may depend on, directly or not.
type room struct {
	rooms    []string // other packages of this module
	modules  []string // modules outside the standard library, by path; nil: any
	noModule bool     // standard library only
}

var rooms = map[string]room{
	"codec":                       {noModule: true},
	"reactor":                     {rooms: []string{"codec", "internal/logging", "internal/measure"}},
	"handlers":                    {rooms: []string{"codec", "persistence", "internal/crypt", "internal/logging", "internal/measure"}},
	"persistence":                 {rooms: []string{"internal/measure"}},
	"client":                      {rooms: []string{"codec", "internal/crypt"}, modules: []string{"golang.org/x/sys"}},
	"internal/confine":            {modules: []string{"github.com/landlock-lsm/go-landlock", "golang.org/x/sys", "kernel.org/pub/linux/libs/security/libcap/psx"}},
	"internal/crypt":              {modules: []string{"golang.org/x/sys"}},
	"internal/certificate":        {noModule: true},
	"internal/config":             {},
	"internal/hooks":              {noModule: true},
	"internal/logging":            {},
	"internal/logs":               {rooms: []string{"internal/logging"}},
	"internal/measure":            {noModule: true},
	"internal/metrics":            {rooms: []string{"codec", "reactor", "handlers", "persistence", "internal/crypt", "internal/logging", "internal/measure"}},
	"internal/live":               {rooms: []string{"codec", "reactor", "handlers", "persistence", "internal/crypt", "internal/logging", "internal/measure", "internal/uplot"}},
	"internal/uplot":              {noModule: true},
	"internal/admin":              {rooms: []string{"internal/logging"}},
	"internal/documents":          {noModule: true},
	"internal/doctor":             {modules: []string{"golang.org/x/sys"}},
	"internal/manual":             {modules: []string{"github.com/alecthomas/kong"}},
	"deploy":                      {noModule: true},
	"internal/seed":               {rooms: []string{"persistence", "internal/crypt", "internal/measure"}},
	"internal/rooms":              {noModule: true},
	"bench":                       {rooms: []string{"codec", "client", "internal/crypt"}, modules: []string{"golang.org/x/sys", "github.com/HdrHistogram/hdrhistogram-go"}},
	"bench/report":                {rooms: []string{"bench", "codec", "client", "internal/crypt", "internal/uplot"}, modules: []string{"golang.org/x/sys", "github.com/HdrHistogram/hdrhistogram-go"}},
	"bench/agents":                {rooms: []string{"bench", "codec", "client", "internal/crypt"}, modules: []string{"golang.org/x/sys", "github.com/HdrHistogram/hdrhistogram-go"}},
	"bench/compare":               {rooms: []string{"codec", "client", "internal/crypt"}},
	"bench/growth":                {rooms: []string{"bench", "bench/report", "codec", "client", "internal/crypt", "internal/uplot"}, modules: []string{"golang.org/x/sys", "github.com/HdrHistogram/hdrhistogram-go"}},
	"internal/proof/account":      {noModule: true},
	"internal/proof/program":      {noModule: true},
	"internal/proof/floods":       {rooms: []string{"codec", "client", "internal/crypt", "internal/proof/program"}},
	"internal/proof/frames":       {rooms: []string{"codec"}},
	"internal/proof/kill":         {rooms: []string{"codec", "client", "internal/crypt", "internal/proof/account", "internal/proof/program"}},
	"internal/proof/powercut":     {rooms: []string{"persistence", "internal/measure", "internal/proof/account"}},
	"internal/proof/cluster":      {rooms: []string{"codec", "client", "persistence", "internal/crypt", "internal/measure", "internal/proof/account", "internal/proof/port", "internal/proof/postgres", "internal/proof/program", "internal/proof/s3server"}},
	"internal/proof/migrate":      {rooms: []string{"persistence", "internal/crypt", "internal/measure", "internal/proof/account", "internal/proof/port", "internal/proof/postgres", "internal/proof/program", "internal/proof/s3server"}},
	"internal/proof/port":         {noModule: true},
	"internal/proof/postgres":     {rooms: []string{"internal/proof/port"}},
	"internal/proof/s3server":     {rooms: []string{"internal/proof/port"}},
	"internal/proof/registration": {rooms: []string{"codec", "client", "internal/crypt", "internal/proof/program"}},
	"cmd/sealquay":                {rooms: []string{"codec", "internal/seed", "reactor", "handlers", "persistence", "client", "bench", "bench/report", "bench/agents", "internal/crypt", "internal/config", "internal/doctor", "internal/hooks", "internal/logging", "internal/logs", "internal/manual", "internal/measure", "internal/metrics", "internal/admin", "internal/live", "internal/uplot", "internal/certificate", "internal/confine"}},
}

// prometheus is for internal/metrics alone.
const prometheus = "github.com/prometheus/client_golang"

// forbidden are modules that a room must not see even through others.
var forbidden = map[string][]string{
	"handlers":       {"github.com/panjf2000/gnet/v2", prometheus},
	"persistence":    {"github.com/panjf2000/gnet/v2", "go.uber.org/zap", prometheus},
	"reactor":        {"github.com/jmoiron/sqlx", "modernc.org/sqlite", prometheus},
	"internal/admin": {prometheus},
	"internal/live":  {prometheus},
}

type listed struct {
	ImportPath string
	Doc        string // its first sentence
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *struct{ Path string }
}

func TestRoomsKnowOnlyTheirNeighbours(t *testing.T) {
	packages := list(t, module+"...")
	moduleOf := modules(t)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		r, known := rooms[name]
		if !known {
			t.Errorf("package %s has no room: say in this test what it may know", name)
			continue
		}
		for _, dep := range p.Deps {
			if other, ours := strings.CutPrefix(dep, module); ours {
				if !slices.Contains(r.rooms, other) {
					t.Errorf("%s must not know %s", name, other)
				}
				continue
			}
			m := moduleOf[dep]
			switch {
			case m == "":
			case r.noModule:
				t.Errorf("%s must not leave the standard library, and depends on %s", name, dep)
			case r.modules != nil && !slices.Contains(r.modules, m):
				t.Errorf("%s must not depend on %s", name, m)
			case slices.Contains(forbidden[name], m):
				t.Errorf("%s must not see %s", name, m)
			}
		}
	}
	if len(packages) < len(rooms) {
		t.Errorf("%d packages are there, %d rooms are described", len(packages), len(rooms))
	}
}

// modules returns the module of every package that is not of the standard
// library.
func modules(t *testing.T) map[string]string {
	found := make(map[string]string)
	for _, p := range list(t, "-deps", module+"...") {
		if p.Module != nil {
			found[p.ImportPath] = p.Module.Path
		}
	}
	return found
}

func list(t *testing.T, args ...string) (all []listed) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Doc,Standard,Imports,Deps,Module"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0") // the same answer everywhere
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
