package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/internal/proof/account"
	"github.com/sealquay/sealquay/persistence"
)

// What there is to be moved. Each client has one file that takes several parts
// of a multipart upload.
const (
	clients    = 4
	files      = 5 // of each client
	versions   = 3 // of the first file of each
	largeBytes = 11 << 20
)

// contentOf is what a version of a file holds.
func contentOf(seed uint64, client, file, version int) []byte {
	name := account.File{Client: fmt.Sprint(client), Name: fmt.Sprint(file)}
	content := account.Content(seed, name, version)
	// No two are equal: the seed's server has the CRC for a key.
	content = append(content, fmt.Sprintf("%d %d %d", client, file, version)...)
	if file == files-1 {
		content = bytes.Repeat(content, largeBytes/len(content)+1)
	}
	return content
}

// fill makes a storage with everything that a move brings along.
func fill(ctx context.Context, dir string, seed uint64) error {
	o := persistence.Options{DataDir: dir, OnConflict: persistence.Keep, Keep: versions, Hooks: []string{"hook"}}
	err := with(ctx, o, func(s *persistence.Store) error {
		for client := range clients {
			if err := fillClient(ctx, s, client, seed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.KeyPolicy = persistence.Approve
	return with(ctx, o, func(s *persistence.Store) error { return offerKeys(ctx, s, o) })
}

func with(ctx context.Context, o persistence.Options, do func(*persistence.Store) error) error {
	s, err := persistence.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// offerKeys has a key of each client wait for an approval, and shuts one out.
func offerKeys(ctx context.Context, s *persistence.Store, o persistence.Options) error {
	operator, err := persistence.OpenOperator(ctx, o)
	if err != nil {
		return err
	}
	defer operator.Close()
	var last persistence.ClientID
	for c, err := range s.Clients(ctx) {
		if err != nil {
			return err
		}
		last = c.ID
		if _, err := s.OfferKey(ctx, c.ID, keyOf(2), [32]byte{2}); !errors.Is(err, persistence.ErrKeyWaits) {
			return fmt.Errorf("a key was to wait: %w", err)
		}
	}
	return operator.Revoke(ctx, last)
}

func keyOf(n byte) []byte { return bytes.Repeat([]byte{n}, persistence.PublicKeySize) }

func fillClient(ctx context.Context, s *persistence.Store, client int, seed uint64) error {
	id, err := s.Register(ctx, fmt.Sprintf("client %d", client))
	if err != nil {
		return err
	}
	if _, err := s.OfferKey(ctx, id, keyOf(1), [32]byte{1}); err != nil {
		return err
	}
	if err := s.SetChecksum(ctx, id, "cksum"); err != nil {
		return err
	}
	for file := range files {
		last := 1
		if file == 0 {
			last = versions
		}
		for version := range last {
			u, err := receive(ctx, s, id, fileName(file), contentOf(seed, client, file, version))
			if err != nil {
				return err
			}
			if err := u.Verify(ctx); err != nil {
				return err
			}
		}
	}
	rejected, err := receive(ctx, s, id, "rejected", []byte("x"))
	if err != nil {
		return err
	}
	return rejected.Discard(ctx)
}

func fileName(file int) string { return fmt.Sprintf("file %d", file) }

func receive(ctx context.Context, s *persistence.Store, id persistence.ClientID, name string, content []byte) (*persistence.Upload, error) {
	u, err := s.Begin(ctx, id, name, int64(len(content)))
	if err != nil {
		return nil, err
	}
	var sums crypt.Checksums
	_, _ = sums.Write(content) // never fails
	_, err = u.Write(content)
	if err == nil {
		found := sums.Sums()
		err = u.Received(ctx, persistence.Sums{CRC32: found.CRC32, Cksum: found.Cksum})
	}
	if err != nil {
		return nil, errors.Join(err, u.Discard(ctx))
	}
	return u, nil
}
