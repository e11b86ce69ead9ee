package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composeService is what cluster/compose.yaml says of a service.
type composeService struct {
	Build struct {
		Context    string
		Dockerfile string
	}
	Image       string
	Entrypoint  []string
	Command     []string
	Environment map[string]string
	Restart     string
	DependsOn   any `yaml:"depends_on"`
	Volumes     []string
	Ports       []string
	Healthcheck struct {
		Test     []string
		Interval string
		Retries  int
	}
}

// after returns the services that s waits for, and those of them that must be healthy.
func (s composeService) after(t *testing.T) (all, healthy []string) {
	t.Helper()
	switch depends := s.DependsOn.(type) {
	case nil:
	case []any:
		for _, name := range depends {
			all = append(all, name.(string))
		}
	case map[string]any:
		for name, how := range depends {
			all = append(all, name)
			switch condition := how.(map[string]any)["condition"]; condition {
			case "service_started":
			case "service_healthy":
				healthy = append(healthy, name)
			default:
				t.Errorf("no condition is called %v", condition)
			}
		}
	default:
		t.Errorf("depends_on is a %T", depends)
	}
	return all, healthy
}

type composeFile struct {
	Node     any                       `yaml:"x-node"` // which the nodes share
	Services map[string]composeService // by name
	Volumes  map[string]any
}

func readCompose(t *testing.T) (file composeFile) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "cluster/compose.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestComposeHoldsTogether: what the services refer to is there. That Docker runs
// them is not shown.
func TestComposeHoldsTogether(t *testing.T) {
	file := readCompose(t)
	for name, service := range file.Services {
		if (service.Image == "") == (service.Build.Context == "") {
			t.Errorf("%s: want either an image or a build", name)
		}
		if service.Build.Context != "" {
			if _, err := os.Stat(filepath.Join("cluster", service.Build.Context, service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		all, healthy := service.after(t)
		for _, other := range all {
			if _, ok := file.Services[other]; !ok {
				t.Errorf("%s waits for %s, which is no service", name, other)
			}
		}
		for _, other := range healthy {
			if len(file.Services[other].Healthcheck.Test) == 0 {
				t.Errorf("%s waits for the health of %s, which has no check", name, other)
			}
		}
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			_, declared := file.Volumes[source]
			if _, err := os.Stat(filepath.Join("cluster", source)); !declared && err != nil {
				t.Errorf("%s: volume %s is neither declared nor a file: %v", name, source, err)
			}
		}
	}
	if ports := file.Services["balancer"].Ports; !slices.Equal(ports, []string{"1234:1234"}) {
		t.Errorf("clients reach %v", ports)
	}
}

// TestComposeConfiguresNodes asks the server itself what it makes of a node's
// environment, and compares it with what the other services are told.
func TestComposeConfiguresNodes(t *testing.T) {
	file := readCompose(t)
	node := file.Services["node1"]
	check := exec.Command(filepath.Join(build(t), "sealquay"), "config", "check")
	check.Dir = t.TempDir()
	for key, value := range node.Environment {
		check.Env = append(check.Env, key+"="+value)
	}
	said, err := check.CombinedOutput()
	// Whatever else it says is a warning, of a key that it does not know for one.
	if right := "The configuration is right.\n"; err != nil || !strings.HasSuffix(string(said), right) || bytes.Contains(said, []byte("environment:")) {
		t.Errorf("%v\n%s", err, said)
	}
	rows, content := file.Services["postgres"].Environment, file.Services["s3"]
	login := "postgres://" + rows["POSTGRES_USER"] + ":" + rows["POSTGRES_PASSWORD"] + "@postgres:5432/" + rows["POSTGRES_DB"]
	if got := node.Environment["SEALQUAY_STORAGE_POSTGRES"]; !strings.HasPrefix(got, login+"?") {
		t.Errorf("nodes connect to %s, want %s", got, login)
	}
	for ours, theirs := range map[string]string{"AWS_ACCESS_KEY_ID": "ROOT_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY": "ROOT_SECRET_KEY"} {
		if got, want := node.Environment[ours], content.Environment[theirs]; got != want || got == "" {
			t.Errorf("%s is %q, and %s of the store %q", ours, got, theirs, want)
		}
	}
	start := strings.Join(content.Entrypoint, " ")
	for _, part := range []string{
		"/content/" + node.Environment["SEALQUAY_S3_BUCKET"] + " ",
		"--port " + strings.TrimPrefix(node.Environment["SEALQUAY_S3_ENDPOINT"], "http://s3") + " ",
		"--region " + node.Environment["SEALQUAY_S3_REGION"] + " ",
	} {
		if !strings.Contains(start, part) {
			t.Errorf("the store is started with %q, want %q in it", start, part)
		}
	}
}

// TestComposeBalances: HAProxy accepts its configuration, which names every node
// with the ports that it has, while none of these names has an address.
func TestComposeBalances(t *testing.T) {
	file := readCompose(t)
	configuration := read(t, "cluster/haproxy.cfg")
	for name, service := range file.Services {
		if !strings.HasPrefix(name, "node") {
			continue
		}
		_, admin, _ := strings.Cut(service.Environment["SEALQUAY_ADMIN_ADDRESS"], ":")
		port := service.Command[slices.Index(service.Command, "--port")+1]
		if line := name + ":" + port + " send-proxy-v2 check port " + admin; !strings.Contains(configuration, line) {
			t.Errorf("haproxy.cfg has no %q", line)
		}
	}
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		haproxy = "/usr/sbin/haproxy" // which is not in the path of every user
	}
	if _, err := os.Stat(haproxy); err != nil {
		t.Skip("needs HAProxy (Debian's package haproxy):", err)
	}
	output(t, haproxy, "-c", "-f", "cluster/haproxy.cfg")
}
