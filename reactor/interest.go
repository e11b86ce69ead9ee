package reactor

import "errors"

// An interest tells a loop's poller whether a connection is to be read. gnet
// has no such switch and reads whatever arrives; taking the read interest off
// the descriptor leaves the bytes with the kernel, and so with the sender. It
// may be used on the loop only.
//
// gnet sets the interest itself when output begins to wait and when it is
// flushed, and reads again then: whoever wants the pause repeats it after each
// write and after each event.
type interest struct {
	poller int // descriptor of the loop's poller; -1: not found
}

var errNoInterest = errors.New("the poller's descriptor is not known")

// mechanism names the way in which connections are paused, for the log.
func (i interest) mechanism() string {
	if i.poller < 0 {
		return "blocking"
	}
	return "read_interest"
}
