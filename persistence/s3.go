package persistence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/minio/minio-go/v7"
)

// s3 keeps content as objects of an S3-compatible store. A small file is sent
// whole when it is published, a large one in parts as it comes; either way the
// store itself compares what it received with the CRC-32 of the file, and
// refuses to replace an object (If-None-Match).
//
// # What may be left, and who removes it
//
// A call whose answer is lost may have been carried out, and the store may
// carry one out that its caller has given up, for as long as the call's
// timeout. So may a node that others believe to be gone. Therefore:
//
//   - A key is used by one upload, once, and its intent row is committed before
//     the first call that names it. Whatever there is of it is found by its key.
//   - remove first gives up all multipart uploads of the key, then deletes the
//     object, then gives up multipart uploads once more. In this order an upload
//     in flight has nothing to complete (NoSuchUpload), or its object is deleted.
//   - What a call under way brings back after that is removed later: a part may
//     revive its multipart upload, which Sweep finds without a row; an upload
//     whose row another node has taken away claims its key anew when it notices
//     (Upload.Discard); of one that cannot any more, Sweep finds the multipart
//     upload, or the object, without a row.
//
// Nothing of this can harm content that was verified: that is under another
// key, and what is under a key is never replaced.
type s3 struct {
	options S3
	core    *minio.Core
	idle    interface{ CloseIdleConnections() }
	memory  *partMemory
}

// callAttempts is how often the library tries a call, with growing pauses of
// up to a second; the call's timeout ends it before.
const callAttempts = 6

// newS3 looks whether the store can be used.
func newS3(ctx context.Context, options S3) (*s3, error) {
	endpoint, err := options.check()
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	transport, err := options.transport()
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	core, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:           options.credentials(),
		Secure:          endpoint.Scheme == "https",
		Transport:       settledTransport{transport},
		Region:          options.Region,
		TrailingHeaders: true, // without it the library refuses checksums
		MaxRetries:      callAttempts,
	})
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	s := &s3{options: options, core: core, idle: transport, memory: newPartMemory(options.memory(), options.SpoolDir)}
	if err := s.memory.try(); err != nil {
		return nil, fmt.Errorf("S3: a part that finds no memory finds no file: %w: make that folder, or name another in s3.spool_dir", err)
	}
	if err := s.look(ctx); err != nil {
		s.close()
		if endpoint.Scheme == "http" && speaksTLS(ctx, endpoint.Host) {
			err = fmt.Errorf("%w: the store speaks TLS: s3.endpoint must begin with https://", err)
		}
		return nil, fmt.Errorf("S3: %s: %w", options.place(), err)
	}
	return s, nil
}

// look makes the calls that show whether bucket, credentials, region and clock
// are right.
func (s *s3) look(ctx context.Context) error {
	ctx, cancel := s.call(ctx)
	defer cancel()
	for object := range s.core.ListObjectsIter(ctx, s.options.Bucket, minio.ListObjectsOptions{Prefix: s.object("look"), MaxKeys: 1}) {
		if object.Err != nil {
			return explainS3(object.Err)
		}
		break
	}
	_, err := s.core.ListMultipartUploads(ctx, s.options.Bucket, s.object("look"), "", "", "", 1)
	return explainS3(err)
}

func (s *s3) close() { s.idle.CloseIdleConnections() }

// call bounds one call.
func (s *s3) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.options.timeout())
}

// object is the name of the object that holds what is under a key.
func (s *s3) object(key string) string {
	if s.options.Prefix == "" {
		return key
	}
	return s.options.Prefix + "/" + key
}

// key is the reverse of object.
func (s *s3) key(object string) string {
	if s.options.Prefix == "" {
		return object
	}
	return strings.TrimPrefix(object, s.options.Prefix+"/")
}

func (s *s3) open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, _, _, err := s.core.GetObject(ctx, s.options.Bucket, s.object(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, s.failed("open", key, err)
	}
	return body, nil
}

func (s *s3) remove(ctx context.Context, key string) error {
	for _, step := range []func(context.Context, string) error{s.abort, s.removeObject, s.abort} {
		if err := step(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *s3) removeObject(ctx context.Context, key string) error {
	ctx, cancel := s.call(ctx)
	defer cancel()
	err := s.core.RemoveObject(ctx, s.options.Bucket, s.object(key), minio.RemoveObjectOptions{})
	if err := s.failed("remove", key, err); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// failed gives an error of the store its context, and makes it one of those
// that the interface names.
func (s *s3) failed(doing, key string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: "S3: " + doing, Path: s.object(key), Err: explainS3(err)}
}
