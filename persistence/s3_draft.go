package persistence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

const (
	// partsInFlight is how many parts of one upload are sent at once, while the
	// next is filled.
	partsInFlight = 2
	// draftMark is the metadata by which a draft knows its object.
	draftMark = "Sealquay-Draft"

	checksumHeader = "x-amz-checksum-crc32"
)

// s3Draft is one file on its way into the store. Up to the size of a part it is
// held back, and sent whole by publish.
type s3Draft struct {
	*s3
	key    string
	mark   string
	ctx    context.Context // of all calls before publish
	cancel context.CancelFunc
	filled *part // being filled
	size   int64

	upload string // id of the multipart upload, "" before the first part is sent
	sent   bool   // the store may know of the draft
	parts  *errgroup.Group

	mu   sync.Mutex
	done []minio.CompletePart
}

func (s *s3) create(ctx context.Context, key string) (draft, error) {
	d := &s3Draft{s3: s, key: key, mark: rand.Text(), filled: &part{memory: s.memory}}
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	d.parts, d.ctx = errgroup.WithContext(d.ctx)
	d.parts.SetLimit(partsInFlight)
	return d, nil
}

func (d *s3Draft) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if d.filled.size == d.options.partSize() {
			if err := d.send(); err != nil {
				return n, err
			}
		}
		piece := p[n:min(int64(len(p)), int64(n)+d.options.partSize()-d.filled.size)]
		if err := d.filled.write(piece); err != nil {
			return n, err
		}
		n += len(piece)
		d.size += int64(len(piece))
	}
	return n, nil
}

// send hands the part that is filled to the store and begins another one. It
// waits while too many are on their way.
func (d *s3Draft) send() error {
	if d.upload == "" {
		if err := d.begin(); err != nil {
			return err
		}
	}
	if d.ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	d.mu.Lock()
	d.done = append(d.done, minio.CompletePart{})
	number := len(d.done)
	d.mu.Unlock()
	full := d.filled
	d.filled = &part{memory: d.memory}
	d.parts.Go(func() error { return d.sendPart(full, number) })
	return nil
}

// begin makes the multipart upload, and says that the CRC-32 of the whole will
// come with its completion.
func (d *s3Draft) begin() (err error) {
	ctx, cancel := d.call(d.ctx)
	defer cancel()
	d.sent = true
	d.upload, err = d.core.NewMultipartUpload(ctx, d.options.Bucket, d.object(d.key), minio.PutObjectOptions{
		UserMetadata: map[string]string{draftMark: d.mark, "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"},
	})
	return d.failed("begin upload", d.key, err)
}

func (d *s3Draft) sendPart(p *part, number int) error {
	ctx, cancel := d.call(d.ctx)
	defer cancel()
	stored, err := d.core.PutObjectPart(ctx, d.options.Bucket, d.object(d.key), d.upload, number, p.reader(), p.size,
		minio.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{http.CanonicalHeaderKey(checksumHeader): {p.checksum()}}})
	err = errors.Join(d.failed(fmt.Sprintf("send part %d", number), d.key, err), p.release())
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done[number-1] = minio.CompletePart{PartNumber: number, ETag: stored.ETag, ChecksumCRC32: p.checksum()}
	return nil
}

// flush sends what is left of a large file, and waits for all parts. A small
// one has nothing to flush: publish brings it to the store's stable storage.
func (d *s3Draft) flush(ctx context.Context) error {
	if d.upload == "" {
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, d.cancel)()
	if err := d.send(); err != nil {
		return err
	}
	if err := d.parts.Wait(); err != nil {
		return err
	}
	return d.abortOthers(ctx)
}

// abortOthers gives up what a call to begin left whose answer was lost: nothing
// would point at it once the file is verified.
func (d *s3Draft) abortOthers(ctx context.Context) error {
	return d.uploadsOf(ctx, d.key, func(upload string) error {
		if upload == d.upload {
			return nil
		}
		return d.abortUpload(ctx, d.key, upload)
	})
}

// publish makes the object, unless there is one. When the answer does not say
// so, the object does: it bears the draft's mark if it is this draft's.
func (d *s3Draft) publish(ctx context.Context, sums Sums) error {
	d.sent = true
	err := d.put(ctx, sums)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if stored, looked := d.stat(ctx, d.key); looked == nil && stored.UserMetadata[draftMark] == d.mark {
		return nil
	}
	return err
}

func (d *s3Draft) put(ctx context.Context, sums Sums) (err error) {
	ctx, cancel := d.call(ctx)
	defer cancel()
	options := minio.PutObjectOptions{DisableContentSha256: true, UserMetadata: map[string]string{checksumHeader: checksumText(sums.CRC32)}}
	options.SetMatchETagExcept("*")
	if d.upload == "" {
		options.UserMetadata[draftMark] = d.mark
		_, err = d.core.PutObject(ctx, d.options.Bucket, d.object(d.key), d.filled.reader(), d.size, "", "", options)
		return d.failed("publish", d.key, err)
	}
	options.UserMetadata["x-amz-checksum-type"] = "FULL_OBJECT"
	options.UserMetadata["x-amz-mp-object-size"] = fmt.Sprint(d.size)
	_, err = d.core.CompleteMultipartUpload(ctx, d.options.Bucket, d.object(d.key), d.upload, d.done, options)
	return d.failed("publish", d.key, err)
}

// discard makes no call, so that nobody has to wait for a store that is away:
// whoever carries out the claim on the key removes what there is.
func (d *s3Draft) discard() (left bool, err error) {
	d.cancel()
	_ = d.parts.Wait() // it has failed, or was given up
	return d.sent, d.filled.release()
}
