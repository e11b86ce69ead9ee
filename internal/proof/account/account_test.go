package account

import (
	"errors"
	"slices"
	"testing"
)

// TestCompare says what each history of one file allows to be found.
func TestCompare(t *testing.T) {
	const doubted, acknowledged = "doubted", "acknowledged"
	f := File{Client: "anna", Name: "a.bin"}
	tests := []struct {
		name    string
		history []string // what became of versions 1, 2, …
		found   int      // the version that is there; 0 for none
		verdict string
	}{
		{"nothing was asked for", []string{""}, 0, "fine"},
		{"a version that was only begun", []string{""}, 1, "unasked"},
		{"a doubted version did not come to be", []string{doubted}, 0, "fine"},
		{"a doubted version came to be", []string{doubted}, 1, "fine"},
		{"an acknowledged version", []string{acknowledged}, 1, "fine"},
		{"an acknowledged version is missing", []string{acknowledged}, 0, "lost"},
		{"a rejected version in its place", []string{acknowledged, ""}, 2, "lost"},
		{"the one before", []string{acknowledged, acknowledged}, 1, "lost"},
		{"a doubted version after it", []string{acknowledged, doubted}, 2, "fine"},
		{"a doubted version not after it", []string{acknowledged, doubted}, 1, "fine"},
		{"a doubted version before it", []string{doubted, acknowledged}, 1, "lost"},
		{"nothing of all", []string{doubted, acknowledged}, -1, "lost"},
		{"bytes of nobody", []string{doubted}, -1, "unasked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := New(1)
			for _, what := range test.history {
				version, _ := a.Begin(f)
				if what == doubted || what == acknowledged {
					a.Doubt(f, version)
				}
				if what == acknowledged {
					a.Acknowledge(f, version)
				}
			}
			found := map[File]func() ([]byte, error){}
			switch {
			case test.found > 0:
				found[f] = content(Content(1, f, test.found))
			case test.found < 0:
				found[f] = content([]byte("something else"))
			}
			if got := word(a.Compare(found)); got != test.verdict {
				t.Errorf("%s, want %s", got, test.verdict)
			}
		})
	}
}

func word(v Verdict) string {
	switch {
	case len(v.Lost) > 0:
		return "lost"
	case len(v.Unasked) > 0:
		return "unasked"
	}
	return "fine"
}

func content(b []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return b, nil }
}

func TestWhatWasFoundMustStay(t *testing.T) {
	f := File{Client: "anna", Name: "a.bin"}
	a := New(1)
	version, bytes := a.Begin(f)
	a.Doubt(f, version)
	if v := a.Compare(map[File]func() ([]byte, error){f: content(bytes)}); v.Survived != 1 || v.Doubted != 1 {
		t.Errorf("%+v, want one doubted and survived", v)
	}
	if v := a.Compare(nil); len(v.Lost) != 1 {
		t.Errorf("%+v, want it lost", v)
	}
}

func TestWhatCannotBeReadIsLost(t *testing.T) {
	f := File{Client: "anna", Name: "a.bin"}
	a := New(1)
	version, _ := a.Begin(f)
	a.Acknowledge(f, version)
	broken := func() ([]byte, error) { return nil, errors.New("broken") }
	if v := a.Compare(map[File]func() ([]byte, error){f: broken, {Client: "x"}: broken}); len(v.Lost) != 1 || len(v.Unasked) != 1 {
		t.Errorf("%+v, want one lost and one unasked", v)
	}
}

// TestContentsDiffer makes sure that versions can be told apart, but for empty
// ones.
func TestContentsDiffer(t *testing.T) {
	var all [][]byte
	for version := range 200 {
		all = append(all, Content(7, File{"anna", "a.bin"}, version), Content(7, File{"berta", "a.bin"}, version))
	}
	all = slices.DeleteFunc(all, func(b []byte) bool { return len(b) == 0 })
	slices.SortFunc(all, slices.Compare)
	if n := len(slices.CompactFunc(all, slices.Equal)); n != len(all) || n < 300 {
		t.Errorf("%d of %d contents differ", n, len(all))
	}
}
