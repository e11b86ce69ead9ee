package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
)

// errWrongCRC is a CRC that is none of what was sent.
var errWrongCRC = errors.New("the server's CRC is not that of what was sent")

// A virtualClient does one session after another. It is used by one goroutine.
type virtualClient struct {
	plan    *Plan
	index   int
	key     *client.Key
	shard   *shard
	options client.Options
	random  *rand.Rand
	draw    func(*rand.Rand) int64
	choose  func(*rand.Rand) scenario

	session  *client.Session
	sessions int    // so far: each registers under a name of its own
	files    uint32 // so far: each has a name of its own
	known    identity
	sealed   *client.Sealed // for the key of this session
	content  window

	between  func(context.Context) error // comes between two requests, or nil
	slow     bool                        // this session sends slowly
	rested   time.Duration               // in this session, by its own will
	measured bool                        // this session counts
}

// An identity is what a client was registered as.
type identity struct {
	name string
	id   codec.ClientID
}

func newVirtualClient(r *Runner, index int) *virtualClient {
	c := &virtualClient{
		plan:   &r.plan,
		index:  index,
		key:    r.keys[index%len(r.keys)],
		shard:  r.recorder.shards[index%len(r.recorder.shards)],
		random: rand.New(rand.NewPCG(r.plan.Seed, uint64(index))),
		draw:   r.plan.Sizes.drawer(),
		choose: r.plan.Mix.drawer(),
	}
	c.content.corpus = r.corpus
	c.options = client.Options{
		Server:  r.plan.Target,
		Dial:    r.dialer(c),
		Dialect: r.plan.dialect(),
		Timeout: r.plan.Timeout,
		Pause:   r.plan.Pause,
		Observe: func(code codec.Code, took time.Duration) { c.record(operationOf(code), took) },
	}
	return c
}

func (c *virtualClient) record(o Operation, took time.Duration) {
	if c.measured {
		c.shard.latency(o, took)
	}
}

// do runs one session and closes its connection.
func (c *virtualClient) do(ctx context.Context) error {
	c.sessions++
	c.between, c.slow, c.rested, c.sealed = nil, false, 0, nil
	err := c.choose(c.random)(ctx, c)
	if c.session != nil {
		err = errors.Join(err, c.session.Close())
		c.session = nil
	}
	return err
}

// slowestWrite is the most that package client writes within one timeout.
const slowestWrite = 256 << 10

func (c *virtualClient) connect(ctx context.Context) (err error) {
	o := c.options
	if c.slow { // the timeout is for the server
		o.Timeout += time.Duration(float64(slowestWrite) / float64(c.plan.SlowRate) * float64(time.Second))
	}
	began := time.Now()
	if c.session, err = client.Dial(ctx, o); err != nil {
		c.session = nil
		return err
	}
	c.record(Connect, time.Since(began))
	return nil
}

func (c *virtualClient) reconnect(ctx context.Context) error {
	began := time.Now()
	if err := c.session.Reconnect(ctx); err != nil {
		return err
	}
	c.record(Connect, time.Since(began))
	return nil
}

// next stands before every request but a connection's first.
func (c *virtualClient) next(ctx context.Context) error {
	if c.between == nil {
		return nil
	}
	return c.between(ctx)
}

func (c *virtualClient) register(ctx context.Context) error {
	name := fmt.Sprintf("%s-%d-%d", c.plan.Name, c.index, c.sessions)
	id, err := c.session.Register(ctx, name)
	c.known = identity{name, id}
	return err
}

// registerOnce registers, or takes the identity of an earlier session.
func (c *virtualClient) registerOnce(ctx context.Context) error {
	if c.known.id == (codec.ClientID{}) {
		return c.register(ctx)
	}
	c.session.Resume(c.known.id)
	return nil
}

func (c *virtualClient) exchangeKey(ctx context.Context) error {
	if err := c.next(ctx); err != nil {
		return err
	}
	return c.session.ExchangeKey(ctx, c.known.name, c.key)
}

// rest is silent for a while that no latency counts.
func (c *virtualClient) rest(ctx context.Context, d time.Duration) error {
	c.rested += d
	return sleep(ctx, d)
}

// sendFile sends a file and accepts its CRC.
func (c *virtualClient) sendFile(ctx context.Context) error {
	name := c.newFile()
	return c.deliver(ctx, name)
}

// sendDamagedFirst sends the file with another first byte, whose CRC the server
// must find, and rejects it as a client does that received a wrong CRC.
func (c *virtualClient) sendDamagedFirst(ctx context.Context) error {
	name := c.newFile()
	c.content.flip = true
	_, err := c.upload(ctx, name)
	c.content.flip = false
	if err != nil {
		return err
	}
	if err := c.session.Reject(ctx, name); err != nil {
		return err
	}
	return c.deliver(ctx, name)
}

// newFile draws the next file.
func (c *virtualClient) newFile() (name string) {
	c.files++
	c.content.size = c.draw(c.random)
	c.content.start = c.random.Int64N(corpusBytes)
	return fileName(c.files)
}

func fileName(number uint32) string { return fmt.Sprintf("%d.bin", number) }

func (c *virtualClient) deliver(ctx context.Context, name string) error {
	verdict, err := c.upload(ctx, name)
	if err != nil {
		return err
	}
	if err := c.next(ctx); err != nil {
		return err
	}
	if err := c.session.Accept(ctx, name); err != nil {
		return err
	}
	c.shard.acknowledged(file{
		client: c.session.ID(),
		number: c.files,
		size:   c.content.size,
		crc32:  verdict.Sent.CRC32,
	}, c.plan.Remember)
	return nil
}

// upload sends the file and judges the CRC.
func (c *virtualClient) upload(ctx context.Context, name string) (v client.Verdict, err error) {
	if err := c.next(ctx); err != nil {
		return v, err
	}
	if c.plan.Precompute && !c.content.flip {
		v, err = c.uploadSealed(ctx, name)
	} else {
		v, err = c.session.Upload(ctx, client.File{Name: name, Size: c.content.size, Content: &c.content})
	}
	if err == nil && !v.Undamaged() {
		err = errWrongCRC
	}
	return v, err
}

func (c *virtualClient) uploadSealed(ctx context.Context, name string) (v client.Verdict, err error) {
	if c.sealed == nil || c.sealed.Size() != c.content.size {
		if c.sealed, err = c.session.Seal(&c.content, c.content.size); err != nil {
			return v, err
		}
	}
	return c.session.UploadSealed(ctx, name, c.sealed)
}

// sleep waits for d, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
