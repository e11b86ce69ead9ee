package reactor

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sealquay/sealquay/internal/logging"
)

// spareDescriptors is how many are kept for the storage and for what comes and
// goes.
const spareDescriptors = 64

// fitDescriptors raises the limit on open descriptors as far as the process may,
// and lowers the limits on connections and uploads to what it carries: each
// connection takes one, and each upload a file. It says so when it lowers what
// was asked for.
func (c *Config) fitDescriptors() {
	room := int(raiseDescriptorLimit()) - openDescriptors() - spareDescriptors
	room = max(room, 8)
	askedForUploads := c.MaxUploads > 0
	if !askedForUploads {
		c.MaxUploads = int(c.MemoryBudget / 4 * 3 / smallChunk)
	}
	if most := room - room/8; c.MaxConnections > most {
		c.warnLowered("max_connections", c.MaxConnections, most)
		c.MaxConnections = most
	}
	if most := min(room-c.MaxConnections, c.MaxConnections); c.MaxUploads > most {
		if askedForUploads && min(c.MaxUploads, c.MaxConnections) > most {
			c.warnLowered("max_uploads", c.MaxUploads, most)
		}
		c.MaxUploads = most
	}
}

func (c *Config) warnLowered(key string, wanted, value int) {
	logging.Log(c.Log, logging.ServerWarning, logging.Limit(key), logging.Wanted(int64(wanted)),
		logging.Value(int64(value)), logging.ReasonField(logging.DescriptorsExhausted))
}

// raiseDescriptorLimit returns the limit that is in force then.
func raiseDescriptorLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // what POSIX systems begin with
	}
	raised := unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if limit.Cur < limit.Max && unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
		return uint64(limit.Max)
	}
	return uint64(limit.Cur)
}

func openDescriptors() int {
	open, _ := os.ReadDir("/dev/fd") // without it: none are counted
	return len(open)
}
