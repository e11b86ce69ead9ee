package documents

// An excuse is for a command that no test runs from its document.
type excuse struct{ document, command, why string }

const noEngine = "a machine that tests has no engine for containers; deploy's TestImage runs what the image holds"

var excuses = []excuse{
	{"README.md", "go test ./...", "it would run itself; .ci/run does it"},
	{"INSTALL.md", "docker build -f deploy/Dockerfile -t sealquay .", noEngine},
	{"INSTALL.md", "docker run -d --name sealquay -p 1234:1234 -v sealquay:/var/lib/sealquay sealquay", noEngine},
	{"INSTALL.md", "docker exec sealquay /sealquay files list", noEngine},
	{"CLUSTER.md", "deploy/cluster/up", "it ends at Ctrl-C only; internal/proof/cluster's TestUp runs it"},
	{"CLUSTER.md", "go run ./internal/proof/cluster -faults 100 -clients 200", "internal/proof/cluster's own test runs it, shortly"},
}
