package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sealquay/sealquay/client"
	"github.com/sealquay/sealquay/codec"
)

// A crowd is many connections that misbehave in one way.
type crowd struct {
	name string
	size int
	did  *deeds
	// member is one of them until ctx ends. It calls here when it has begun to
	// be a nuisance, or cannot.
	member func(ctx context.Context, number int, here func())
}

// deeds are what a crowd achieved.
type deeds struct {
	connections, answered, refused, closed atomic.Int64
}

func (d *deeds) String() string {
	return fmt.Sprintf("%d connections, %d answers, %d refusals, %d closed by the server",
		d.connections.Load(), d.answered.Load(), d.refused.Load(), d.closed.Load())
}

func (d *driver) crowds(addr string) []crowd {
	f := &flooder{addr: addr, key: d.key}
	make := func(name string, size int, member func(context.Context, *deeds, int, func())) crowd {
		c := crowd{name: name, size: size, did: new(deeds)}
		c.member = func(ctx context.Context, number int, here func()) { member(ctx, c.did, number, here) }
		return c
	}
	return []crowd{
		make("liars", d.Liars, f.lie),
		make("registrars", d.Registrars, f.register),
		make("guessers", d.Guessers, f.guess),
		make("mutes", d.Mutes, f.beMute),
		make("leavers", d.Leavers, f.leave),
		make("breakers", d.Breakers, f.breakOff),
	}
}

// A flooder is what the members of all crowds share.
type flooder struct {
	addr string
	key  *client.Key
}

// dial connects from one of the crowd's addresses: 127.66.x.y.
func (f *flooder) dial(ctx context.Context, did *deeds, number int) (net.Conn, error) {
	conn, err := dialFrom(ctx, f.addr, net.IPv4(127, 66, byte(number>>8), byte(number)))
	if err == nil {
		did.connections.Add(1)
	}
	return conn, err
}

// session begins a client's conversation on a connection of the crowd's.
func (f *flooder) session(ctx context.Context, did *deeds, number int) (*client.Session, net.Conn, error) {
	var conn net.Conn
	s, err := client.Dial(ctx, client.Options{Server: f.addr, Timeout: stall,
		Dial: func(ctx context.Context, _, _ string) (_ net.Conn, err error) {
			conn, err = f.dial(ctx, did, number)
			return conn, err
		}})
	return s, conn, err
}

// announced is the largest content that the protocol can carry.
const announced = 1<<32 - 288

// lie announces 4 GiB and sends a little each second: more than the server
// demands, far less than it could take.
func (f *flooder) lie(ctx context.Context, did *deeds, number int, here func()) {
	defer here()
	for again := 0; ctx.Err() == nil; again++ {
		f.lieOnce(ctx, did, number, again, here)
	}
}

func (f *flooder) lieOnce(ctx context.Context, did *deeds, number, again int, here func()) {
	s, conn, err := f.session(ctx, did, number)
	if err != nil {
		rest(ctx)
		return
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	name := fmt.Sprintf("liar %d.%d", number, again)
	id, err := s.Register(ctx, name)
	if err == nil {
		err = s.ExchangeKey(ctx, name, f.key)
	}
	if err != nil {
		did.refused.Add(1)
		rest(ctx)
		return
	}
	did.answered.Add(2)
	head := codec.EncryptedFile{ClientID: id, ContentSize: announced, FileName: []byte("lie.bin")}
	if _, err := conn.Write(codec.AppendRequest(nil, codec.Documented, id, head)); err != nil {
		return
	}
	here()
	for trickle := make([]byte, 2<<10); err == nil; rest(ctx) {
		_, err = conn.Write(trickle)
	}
	if ctx.Err() == nil {
		did.closed.Add(1)
	}
}

func (f *flooder) register(ctx context.Context, did *deeds, number int, here func()) {
	f.ask(ctx, did, number, here, func(again int) string { return fmt.Sprintf("flood %d.%d", number, again) })
}

// guess asks for names of honest clients, and for some that nobody has.
func (f *flooder) guess(ctx context.Context, did *deeds, number int, here func()) {
	f.ask(ctx, did, number, here, func(again int) string {
		if again%8 > 0 {
			return honestName(again%16, alone)
		}
		return fmt.Sprintf("guess %d.%d", number, again)
	})
}

// ask registers names without pause, on as few connections as the server lets
// it.
func (f *flooder) ask(ctx context.Context, did *deeds, number int, here func(), name func(again int) string) {
	defer here()
	again := 0
	for ctx.Err() == nil {
		s, conn, err := f.session(ctx, did, number)
		if err != nil {
			rest(ctx)
			continue
		}
		release := context.AfterFunc(ctx, func() { conn.Close() })
		for err == nil || strings.Contains(err.Error(), client.ErrNameTaken.Error()) {
			again++
			_, err = s.Register(ctx, name(again))
			if err == nil {
				did.answered.Add(1)
			} else if ctx.Err() == nil {
				did.refused.Add(1)
			}
			here()
		}
		if ctx.Err() == nil {
			did.closed.Add(1)
		}
		release()
		s.Close()
	}
}

// beMute sends nothing, or a part of a header, until the server has enough.
func (f *flooder) beMute(ctx context.Context, did *deeds, number int, here func()) {
	f.stay(ctx, did, number, here, func(conn net.Conn) error {
		_, err := conn.Write(make([]byte, number%codec.RequestHeaderBytes))
		return err
	})
}

// leave ends its sending in the middle of a request, and stays.
func (f *flooder) leave(ctx context.Context, did *deeds, number int, here func()) {
	f.stay(ctx, did, number, here, func(conn net.Conn) error {
		half := codec.AppendRequest(nil, codec.Documented, codec.ClientID{}, codec.Registration{Name: []byte("half")})
		if _, err := conn.Write(half[:len(half)/2]); err != nil {
			return err
		}
		return conn.(*net.TCPConn).CloseWrite()
	})
}

// stay begins something on a connection and waits until the server closes it,
// over and over.
func (f *flooder) stay(ctx context.Context, did *deeds, number int, here func(), begin func(net.Conn) error) {
	defer here()
	for ctx.Err() == nil {
		conn, err := f.dial(ctx, did, number)
		if err != nil {
			rest(ctx)
			continue
		}
		release := context.AfterFunc(ctx, func() { conn.Close() })
		err = begin(conn)
		here()
		if err == nil {
			_, _ = conn.Read(make([]byte, 64)) // a mute's only word is the end
		}
		if ctx.Err() == nil {
			did.closed.Add(1)
			rest(ctx)
		}
		release()
		conn.Close()
	}
}

// breakOff resets its connections.
func (f *flooder) breakOff(ctx context.Context, did *deeds, number int, here func()) {
	defer here()
	for again := 0; ctx.Err() == nil; again++ {
		conn, err := f.dial(ctx, did, number)
		if err != nil {
			rest(ctx)
			continue
		}
		_, _ = conn.Write(make([]byte, again%64))
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
		here()
	}
}

// rest waits a little before the next nuisance.
func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}
