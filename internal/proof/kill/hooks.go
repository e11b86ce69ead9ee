package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sealquay/sealquay/internal/proof/account"
)

// hookSecret is as the Standard Webhooks specification writes secrets.
var (
	hookKey    = []byte("the secret of the proof's hook")
	hookSecret = "whsec_" + base64.StdEncoding.EncodeToString(hookKey)
)

// A version is one content of a file.
type version struct {
	account.File
	CRC32 string // 8 hexadecimal digits
}

func versionOf(f account.File, content []byte) version {
	return version{f, fmt.Sprintf("%08x", crc32.ChecksumIEEE(content))}
}

// receiver is what the server's hook posts to. It takes its time, and does not
// take all at the first time. It is safe for concurrent use.
type receiver struct {
	mu           sync.Mutex
	random       *rand.Rand
	asked        map[version]int // 1104 that left, whatever became of them
	acknowledged map[version]int
	told         map[version]map[string]bool // deliveries
	numbers      map[account.File]map[int64]string
	repeated     int // told again, by the same delivery
	refused      int
	faults       []string
}

func newReceiver(seed uint64) *receiver {
	return &receiver{
		random: rand.New(rand.NewPCG(seed, 1<<32)), asked: map[version]int{}, acknowledged: map[version]int{},
		told: map[version]map[string]bool{}, numbers: map[account.File]map[int64]string{},
	}
}

// event is a part of what a hook is told.
type event struct {
	Type       string `json:"type"`
	Delivery   string `json:"delivery"`
	ClientName string `json:"client_name"`
	FileName   string `json:"file_name"`
	Number     int64  `json:"number"`
	CRC32      string `json:"crc32"`
}

// longestPause is how long the receiver takes at most: some kills come while it
// has an event and has not answered.
const longestPause = 5 * time.Millisecond

// ServeHTTP takes an event, or refuses it. What was taken counts as told, also
// when the answer does not arrive.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the server was killed while it sent
	}
	take, pause := r.mood()
	time.Sleep(pause)
	if !take {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var e event
	if err := verifySignature(request.Header, body); err != nil {
		r.faults = append(r.faults, fmt.Sprintf("the hook was told %s: %v", body, err))
	} else if err := json.Unmarshal(body, &e); err != nil || e.Type != "file.verified" || e.Delivery != request.Header.Get("webhook-id") {
		r.faults = append(r.faults, fmt.Sprintf("the hook was told %s, %v", body, err))
	} else {
		r.take(e)
	}
}

func (r *receiver) mood() (take bool, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	take = r.random.IntN(16) > 0
	if !take {
		r.refused++
	}
	return take, time.Duration(r.random.Int64N(int64(longestPause)))
}

// verifySignature does what the specification asks of a receiver.
func verifySignature(h http.Header, body []byte) error {
	id, at, signature := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	mac := hmac.New(sha256.New, hookKey)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(signature), []byte(want)) {
		return fmt.Errorf("the signature %q is wrong", signature)
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return fmt.Errorf("the time %q is wrong, %w", at, err)
	}
	return nil
}

// take notes an event. The lock is held.
func (r *receiver) take(e event) {
	f := account.File{Client: e.ClientName, Name: e.FileName}
	v := version{f, e.CRC32}
	if r.told[v] == nil {
		r.told[v] = map[string]bool{}
	}
	if r.told[v][e.Delivery] {
		r.repeated++
	}
	r.told[v][e.Delivery] = true
	if len(r.told[v]) > r.asked[v] {
		r.faults = append(r.faults, fmt.Sprintf("the hook was told of %v, which was not verified", v))
	}
	if r.numbers[f] == nil {
		r.numbers[f] = map[int64]string{}
	}
	if before, again := r.numbers[f][e.Number]; again && before != e.Delivery {
		r.faults = append(r.faults, fmt.Sprintf("the hook was told of number %d of %v by %s and %s", e.Number, f, before, e.Delivery))
	}
	r.numbers[f][e.Number] = e.Delivery
}

// ask notes that a 1104 is about to leave.
func (r *receiver) ask(v version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[v]++
}

// acknowledge notes a 2104.
func (r *receiver) acknowledge(v version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acknowledged[v]++
}

// count returns how many files were told, each once.
func (r *receiver) count() (told int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, deliveries := range r.told {
		told += len(deliveries)
	}
	return told
}

// compare holds what was told against what was acknowledged and against the
// number of the newest version of each file, once nothing is left to be told.
func (r *receiver) compare(newest map[account.File]int64) (wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wrong = slices.Clone(r.faults)
	for v, times := range r.acknowledged {
		if told := len(r.told[v]); told < times {
			wrong = append(wrong, fmt.Sprintf("NOT TOLD %v: %d times, and acknowledged %d times", v, told, times))
		}
	}
	for f, last := range newest {
		for number := int64(1); number <= last; number++ {
			if r.numbers[f][number] == "" {
				wrong = append(wrong, fmt.Sprintf("NOT TOLD %v: number %d of %d", f, number, last))
			}
		}
	}
	for f, numbers := range r.numbers {
		if most := slices.Max(slices.Collect(maps.Keys(numbers))); most > newest[f] {
			wrong = append(wrong, fmt.Sprintf("the hook was told of number %d of %v, and there are %d", most, f, newest[f]))
		}
	}
	return wrong
}
