package persistence

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes the property test short, unless it is told how long to be.
func TestMain(m *testing.M) {
	if directory := os.Getenv(victimVariable); directory != "" {
		beVictim(directory)
		return
	}
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	flag.Parse()
	// toxiproxy leaves the ends of connections behind that a toxic had stopped.
	goleak.VerifyTestMain(ending{m},
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

// ending ends what the tests share once all have run.
type ending struct{ *testing.M }

func (e ending) Run() int {
	defer stopPostgres()
	defer stopS3()
	return e.M.Run()
}

// long reports that the long form of the proofs is wanted.
func long() bool { return os.Getenv("SEALQUAY_LONG") != "" }
