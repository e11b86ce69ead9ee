package doctor

// A Status says how bad a finding is.
type Status string

// The statuses.
const (
	Good  Status = "good"
	Hint  Status = "hint"  // the server works, and could do so better or more safely
	Wrong Status = "wrong" // the server will not work, or not keep what it promises
)

// A Finding is what one check saw.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Seen   string `json:"seen"`
	Advice string `json:"advice,omitzero"` // what to do, unless all is good
}

func good(check, seen string) Finding { return Finding{check, Good, seen, ""} }

func hint(check, seen, advice string) Finding { return Finding{check, Hint, seen, advice} }

func wrong(check, seen, advice string) Finding { return Finding{check, Wrong, seen, advice} }

// Well reports whether nothing must be mended.
func Well(findings []Finding) bool {
	for _, f := range findings {
		if f.Status == Wrong {
			return false
		}
	}
	return true
}
