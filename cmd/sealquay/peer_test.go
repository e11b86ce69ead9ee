package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Everything in this file is written from the text of docs/PROTOCOL.md, without
// the packages codec and crypt: a mistake in them cannot hide here.

type clientID [16]byte

// long asks for the long form of the tests. It writes gigabytes.
var long = os.Getenv("SEALQUAY_LONG") == "1"

// patience bounds every wait of the tests for the server.
var patience = map[bool]time.Duration{false: 30 * time.Second, true: 10 * time.Minute}[long]

// text is a string field: 255 bytes, zero-padded.
func text(s string) []byte { return append([]byte(s), make([]byte, 255-len(s))...) }

// request packs a request with any payload size.
func request(id clientID, code uint16, payloadSize int, payload ...[]byte) []byte {
	b := append(id[:], 3)
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint32(b, uint32(payloadSize))
	return append(b, bytes.Join(payload, nil)...)
}

func registration(name string) []byte {
	return request(clientID{}, 1100, 255, text(name))
}

func publicKey(who *identity) []byte {
	return request(who.id, 1101, 415, text(who.name), who.publicKey())
}

func encryptedFile(id clientID, name string, content []byte) []byte {
	return request(id, 1103, 275+len(content), id[:], number(len(content)), text(name), content)
}

func verdict(code uint16, id clientID, name string) []byte {
	return request(id, code, 271, id[:], text(name))
}

func number(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

// A response as it was read, without its header.
type response struct {
	code    uint16
	payload []byte
}

func (r response) id() clientID { return clientID(r.payload[:16]) }

// payloadSizes of the responses, by code; 2103 is wider in the seed's dialect.
var payloadSizes = map[uint16]int{2100: 16, 2101: 0, 2102: 144, 2103: 279, 2104: 0}

// A peer is one connection to the server, seen as bytes.
type peer struct {
	t    testing.TB
	conn *net.TCPConn
	seed bool // it speaks the seed's dialect
}

// dial connects to the server. The connection is closed when the test ends.
func dial(t testing.TB, s *testServer) *peer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: t, conn: conn.(*net.TCPConn)}
}

// Read reads from the connection, and fails when nothing comes in time.
func (p *peer) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.conn.Read(b)
}

// send writes the requests in one write.
func (p *peer) send(requests ...[]byte) {
	p.t.Helper()
	if _, err := p.conn.Write(bytes.Join(requests, nil)); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

func (p *peer) headerSize() int {
	if p.seed {
		return 8
	}
	return 7
}

// receive reads one response.
func (p *peer) receive() response {
	p.t.Helper()
	b := p.read(p.headerSize())
	size := binary.LittleEndian.Uint32(b[len(b)-4:])
	if size > 300 {
		p.t.Fatalf("a response of %d bytes: % x", size, b)
	}
	return p.parse(append(b, p.read(int(size))...))
}

func (p *peer) read(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if got, err := io.ReadFull(p, b); err != nil {
		p.t.Fatalf("receive: %v after % x", err, b[:got])
	}
	return b
}

// receiveOnce reads as the seed's client does: one receive call of at most 1024
// bytes brings one response, all of it and nothing else.
func (p *peer) receiveOnce() response {
	p.t.Helper()
	b := make([]byte, 1024)
	n, err := p.Read(b)
	if err != nil {
		p.t.Fatalf("receive: %v", err)
	}
	return p.parse(b[:n])
}

// parse checks that b is exactly one response.
func (p *peer) parse(b []byte) response {
	p.t.Helper()
	head := p.headerSize()
	if len(b) < head || b[0] != 3 || p.seed && b[1] != 0 {
		p.t.Fatalf("no response header: % x", b)
	}
	r := response{binary.LittleEndian.Uint16(b[head-6:]), b[head:]}
	want, known := payloadSizes[r.code]
	if p.seed && r.code == 2103 {
		want = 285
	}
	declared := int(binary.LittleEndian.Uint32(b[head-4:]))
	if !known || declared != want || len(r.payload) != want {
		p.t.Fatalf("response %d declares %d bytes and has %d, want %d", r.code, declared, len(r.payload), want)
	}
	return r
}

// expect reads a response that has this code.
func (p *peer) expect(code uint16) response {
	p.t.Helper()
	r := p.receive()
	if r.code != code {
		p.t.Fatalf("response %d, want %d", r.code, code)
	}
	return r
}

// expectEnd waits until the server ends the connection.
func (p *peer) expectEnd() {
	p.t.Helper()
	switch n, err := p.Read(make([]byte, 1)); {
	case n > 0:
		p.t.Fatal("the server goes on where it should end the connection")
	case err != io.EOF && !errors.Is(err, syscall.ECONNRESET):
		p.t.Fatalf("the server does not end the connection: %v", err)
	}
}

func (p *peer) close() {
	p.t.Helper()
	if err := p.conn.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// reset closes the connection with an RST.
func (p *peer) reset() {
	p.t.Helper()
	if err := p.conn.SetLinger(0); err != nil {
		p.t.Fatal(err)
	}
	p.close()
}

// An identity is what a client keeps in me.info.
type identity struct {
	name string
	id   clientID
	key  *rsa.PrivateKey
}

// publicKey is the field of 1101: the DER of a key with exponent 17 fills it.
func (who *identity) publicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(&who.key.PublicKey)
	if err != nil || len(der) != 160 {
		panic("the public key has not 160 bytes")
	}
	return der
}

// register makes a new client over this connection.
func (p *peer) register(name string) *identity {
	p.t.Helper()
	p.send(registration(name))
	return &identity{name: name, id: p.expect(2100).id(), key: someKey()}
}

// exchange asks for an AES key.
func (p *peer) exchange(who *identity) cipher.Block {
	p.t.Helper()
	p.send(publicKey(who))
	return who.open(p.t, p.expect(2102))
}

// open takes the AES key out of a 2102.
func (who *identity) open(t testing.TB, r response) cipher.Block {
	t.Helper()
	if r.id() != who.id {
		t.Fatalf("2102 for the client %x, want %x", r.id(), who.id)
	}
	key, err := rsa.DecryptOAEP(sha1.New(), nil, who.key, r.payload[16:], nil)
	if err != nil || len(key) != 16 || bytes.IndexByte(key, 0) >= 0 {
		t.Fatalf("an AES key of %d bytes, perhaps with a zero: %v", len(key), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// upload sends a file and returns the CRC that the server told.
func (p *peer) upload(who *identity, key cipher.Block, name string, plain []byte) uint32 {
	p.t.Helper()
	sealed := seal(key, plain)
	p.send(encryptedFile(who.id, name, sealed))
	return p.told(who.id, len(sealed), name)
}

// told reads a 2103, checks that it repeats its 1103, and returns the CRC.
func (p *peer) told(id clientID, size int, name string) uint32 {
	p.t.Helper()
	return p.crcOf(p.expect(2103), id, size, name)
}

func (p *peer) crcOf(r response, id clientID, size int, name string) uint32 {
	p.t.Helper()
	if repeated := slices.Concat(id[:], number(size), text(name)); !bytes.Equal(r.payload[:275], repeated) {
		p.t.Fatalf("2103 does not repeat its request:\ngot  % x\nwant % x", r.payload[:275], repeated)
	}
	if !p.seed {
		return binary.LittleEndian.Uint32(r.payload[275:])
	}
	digits := bytes.TrimRight(r.payload[275:], "\x00")
	crc, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		p.t.Fatalf("the cksum of 2103: %v", err)
	}
	return uint32(crc)
}

// deliver uploads a file and accepts its CRC.
func (p *peer) deliver(who *identity, key cipher.Block, name string, plain []byte) {
	p.t.Helper()
	if got, want := p.upload(who, key, name, plain), crc32.ChecksumIEEE(plain); got != want {
		p.t.Fatalf("CRC %08x, want %08x", got, want)
	}
	p.send(verdict(1104, who.id, name))
	p.expect(2104)
}

// deliverNew is a whole first run of a client.
func deliverNew(t testing.TB, s *testServer, client, name string, plain []byte) *identity {
	t.Helper()
	p := dial(t, s)
	defer p.close()
	who := p.register(client)
	p.deliver(who, p.exchange(who), name, plain)
	return who
}

// seal encrypts as the protocol says: CBC, an IV of zeros, PKCS#7.
func seal(key cipher.Block, plain []byte) []byte {
	n := 16 - len(plain)%16
	return encrypt(key, append(slices.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...))
}

// encrypt does not pad.
func encrypt(key cipher.Block, blocks []byte) []byte {
	cipher.NewCBCEncrypter(key, make([]byte, 16)).CryptBlocks(blocks, blocks)
	return blocks
}

// someKey is an RSA key as Crypto++ makes it; most tests do not mind which.
var someKey = sync.OnceValue(newKey)

// newKey makes an RSA-1024 key with the public exponent 17.
func newKey() *rsa.PrivateKey {
	one, e := big.NewInt(1), big.NewInt(17)
	for {
		p, err := rand.Prime(rand.Reader, 512)
		if err != nil {
			panic(err)
		}
		q, err := rand.Prime(rand.Reader, 512)
		if err != nil {
			panic(err)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 17},
			D:         d,
			Primes:    []*big.Int{p, q},
		}
		if d != nil && key.N.BitLen() == 1024 && key.Validate() == nil {
			key.Precompute()
			return key
		}
	}
}

// cksum is the CRC of POSIX cksum: the data, then its length, least significant
// byte first and without leading zeros, through a CRC of the polynomial 04C11DB7.
func cksum(data []byte) uint32 {
	var crc uint32
	for _, b := range data {
		crc = cksumByte(crc, b)
	}
	for n := len(data); n > 0; n >>= 8 {
		crc = cksumByte(crc, byte(n))
	}
	return ^crc
}

var cksumTable = sync.OnceValue(func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04c11db7
		}
		table[i] = crc
	}
	return table
})

func cksumByte(crc uint32, b byte) uint32 { return crc<<8 ^ cksumTable()[byte(crc>>24)^b] }

// TestPeerCksum holds the stand-ins' cksum against what cksum(1) prints.
func TestPeerCksum(t *testing.T) {
	for text, want := range map[string]uint32{"": 4294967295, "123456789": 930766865, "a\n": 2418082923} {
		if got := cksum([]byte(text)); got != want {
			t.Errorf("cksum of %q is %d, want %d", text, got, want)
		}
	}
}
