package account

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// File names a file of a client. Both parts are the proof's own names.
type File struct {
	Client string
	Name   string
}

// Usual is the size, in bytes, that contents stay below unless an account says
// otherwise.
const Usual = 1 << 20

// Content returns what a version of a file holds under a seed. Most contents
// are small; some are empty, a few have up to Usual bytes.
func Content(seed uint64, f File, version int) []byte {
	return contentBelow(Usual, seed, f, version)
}

func contentBelow(most int, seed uint64, f File, version int) []byte {
	random := stream(seed, f, version)
	content := make([]byte, size(rand.New(random), most))
	_, _ = random.Read(content) // never fails
	return content
}

func stream(seed uint64, f File, version int) *rand.ChaCha8 {
	b := binary.LittleEndian.AppendUint64(nil, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(version))
	b = append(append(append(b, f.Client...), 0), f.Name...)
	return rand.NewChaCha8(sha256.Sum256(b))
}

func size(random *rand.Rand, most int) int {
	switch chance := random.IntN(32); {
	case chance < 2:
		return 0
	case chance < 24:
		return random.IntN(8 << 10)
	case chance < 31:
		return random.IntN(64 << 10)
	}
	return random.IntN(most)
}
