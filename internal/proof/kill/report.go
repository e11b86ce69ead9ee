package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
)

// mostShown bounds how much of what is wrong is printed.
const mostShown = 20

// report is what a run found.
type report struct {
	kills      int
	atStart    int // of these, before the server was ready
	recoveries []time.Duration
	verdict    account.Verdict // of the last comparison, sums of doubted and survived
	faults     []string
}

func (r *report) add(v account.Verdict) {
	v.Doubted += r.verdict.Doubted
	v.Survived += r.verdict.Survived
	for _, lost := range v.Lost {
		r.wrong("LOST %s", lost)
	}
	for _, unasked := range v.Unasked {
		r.wrong("there and never asked for: %s", unasked)
	}
	r.verdict = v
}

func (r *report) wrong(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf("after kill %d: ", r.kills)+fmt.Sprintf(format, args...))
}

func (r *report) wrongAll(faults []string) {
	for _, fault := range faults {
		r.wrong("%s", fault)
	}
}

func (d *driver) print(w io.Writer) {
	r := &d.report
	c := d.counts
	fmt.Fprintf(w, "kills                 %d, %d of them before the server was ready\n", r.kills, r.atStart)
	fmt.Fprintf(w, "acknowledged          %d uploads, %d of them of a name that was there\n", d.files.Acknowledged(), c.replaced.Load())
	fmt.Fprintf(w, "sent again by 1105    %d; given up by 1106 %d; left without 1104 %d\n", c.retried.Load(), c.givenUp.Load(), c.abandoned.Load())
	fmt.Fprintf(w, "1104 without answer   %d, of which %d came to be\n", r.verdict.Doubted, r.verdict.Survived)
	fmt.Fprintf(w, "registered            %d names, over %d connections\n", d.registrations.count(), c.sessions.Load())
	revoked, refused := d.revocations.counts()
	fmt.Fprintf(w, "revoked               %d clients, %d of them between an upload and its 1104; %d were refused afterwards\n", revoked, c.shutBetween.Load(), refused)
	fmt.Fprintf(w, "told to the hook      %d files, %d times again; %d times it did not take them\n", d.receiver.count(), d.receiver.repeated, d.receiver.refused)
	fmt.Fprintf(w, "there at the end      %d files, all read and compared after each restart\n", r.verdict.Files)
	if len(r.recoveries) > 0 {
		slices.Sort(r.recoveries)
		fmt.Fprintf(w, "recovery              median %v, max %v, of %d starts\n", round(r.recoveries[len(r.recoveries)/2]),
			round(r.recoveries[len(r.recoveries)-1]), len(r.recoveries))
	}
	for _, fault := range r.faults[:min(len(r.faults), mostShown)] {
		fmt.Fprintln(w, fault)
	}
	fmt.Fprintf(w, "wrong                 %d\n", len(r.faults))
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
