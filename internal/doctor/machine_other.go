//go:build !linux

package doctor

// A Plan is what a server is going to do on this machine.
type Plan struct {
	Addrs          []string
	Serves         func(addr string) bool
	DataDir        string
	FreeSpace      int64
	MemoryBudget   int64
	MaxConnections int
}

// Examine knows Linux only.
func Examine(Plan) []Finding {
	return []Finding{hint("machine", "it does not run Linux", "look at descriptors, disk and memory yourself")}
}
