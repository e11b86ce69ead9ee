package persistence

import (
	"errors"
	"io"
	"testing"
)

// TestFindClient: an id comes before a name, because anybody may take another's
// id as a name.
func TestFindClient(t *testing.T) {
	s := openTest(t, Options{})
	anna := register(t, s, "anna")
	spoofer := register(t, s, anna.String())
	for asked, want := range map[string]ClientID{"anna": anna, anna.String(): anna, spoofer.String(): spoofer} {
		if found, err := s.FindClient(t.Context(), asked); err != nil || found.ID != want {
			t.Errorf("%q is %v, %v; want %v", asked, found.ID, err, want)
		}
	}
	other := newClientID().String()
	named := register(t, s, other)
	if found, err := s.FindClient(t.Context(), other); err != nil || found.ID != named {
		t.Errorf("the name %q is %v, %v; want %v", other, found.ID, err, named)
	}
	for _, unknown := range []string{"", "bob", newClientID().String()} {
		if _, err := s.FindClient(t.Context(), unknown); !errors.Is(err, ErrUnknownClient) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

// TestRead reads the current version and the earlier ones.
func TestRead(t *testing.T) {
	s := openTest(t, Options{OnConflict: Keep, Keep: 2})
	anna := register(t, s, "anna")
	for _, text := range []string{"first", "second", "third", "fourth"} {
		verifyNew(t, s, anna, "f", text)
	}
	for number, want := range map[int64]string{0: "fourth", 4: "fourth", 3: "third", 2: "second"} {
		v, content, err := s.Read(t.Context(), anna, "f", number)
		if err != nil {
			t.Fatalf("number %d: %v", number, err)
		}
		text, err := io.ReadAll(content)
		if err != nil || string(text) != want || v.Size != int64(len(want)) || !v.Verified {
			t.Errorf("number %d is %q, %+v, %v", number, text, v, err)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, missing := range []struct {
		id     ClientID
		name   string
		number int64
	}{{anna, "f", 1}, {anna, "f", 5}, {anna, "g", 0}, {newClientID(), "f", 0}} {
		if _, _, err := s.Read(t.Context(), missing.id, missing.name, missing.number); !errors.Is(err, ErrNoFile) {
			t.Errorf("%+v: %v", missing, err)
		}
	}
}
