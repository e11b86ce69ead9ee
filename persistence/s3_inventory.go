package persistence

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/minio/minio-go/v7"
)

func (s *s3) size(ctx context.Context, key string) (int64, error) {
	stored, err := s.stat(ctx, key)
	return stored.Size, err
}

func (s *s3) stat(ctx context.Context, key string) (minio.ObjectInfo, error) {
	ctx, cancel := s.call(ctx)
	defer cancel()
	stored, err := s.core.StatObject(ctx, s.options.Bucket, s.object(key), minio.StatObjectOptions{})
	return stored, s.failed("look at", key, err)
}

func (s *s3) walk(ctx context.Context, visit func(key string, size int64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, folder := range []string{filesFolder, versionsFolder} {
		list := minio.ListObjectsOptions{Prefix: s.object(folder) + "/", Recursive: true}
		for object := range s.core.ListObjectsIter(ctx, s.options.Bucket, list) {
			if object.Err != nil {
				return s.failed("list", folder, object.Err)
			}
			if strings.HasSuffix(object.Key, "/") {
				continue // a folder, which some stores show
			}
			if err := visit(s.key(object.Key), object.Size); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (s *s3) quarantine(ctx context.Context, key, as string) (string, error) {
	_, last := split(key)
	place := quarantineFolder + "/" + as + "/" + last
	if _, err := s.size(ctx, key); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return place, nil
		}
		return "", err
	}
	if err := s.copy(ctx, key, place); err != nil {
		return "", err
	}
	return place, s.remove(ctx, key)
}

// copy is made by the store itself. It may take long: as long as ctx allows.
func (s *s3) copy(ctx context.Context, from, to string) error {
	_, err := s.core.Client.CopyObject(ctx,
		minio.CopyDestOptions{Bucket: s.options.Bucket, Object: s.object(to)},
		minio.CopySrcOptions{Bucket: s.options.Bucket, Object: s.object(from)})
	return s.failed("copy", from, err)
}

func (s *s3) drafts(ctx context.Context, visit func(key string) error) error {
	for _, folder := range []string{filesFolder, versionsFolder} {
		err := s.uploadsBelow(ctx, folder+"/", func(upload minio.ObjectMultipartInfo) error { return visit(s.key(upload.Key)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// abortRounds is how often abort looks again.
const abortRounds = 8

// abort gives up all multipart uploads of a key. A part that is being received
// meanwhile may bring its upload back, so it looks again; what comes back later
// is found by Sweep.
func (s *s3) abort(ctx context.Context, key string) error {
	for range abortRounds {
		found := false
		err := s.uploadsOf(ctx, key, func(upload string) error {
			found = true
			return s.abortUpload(ctx, key, upload)
		})
		if err != nil || !found {
			return err
		}
	}
	return s.failed("give up uploads", key, errors.New("there are still some"))
}

// uploadsOf visits the ids of the multipart uploads of a key.
func (s *s3) uploadsOf(ctx context.Context, key string, visit func(upload string) error) error {
	return s.uploadsBelow(ctx, key, func(upload minio.ObjectMultipartInfo) error {
		if s.key(upload.Key) != key {
			return nil // another key that starts like this one
		}
		return visit(upload.UploadID)
	})
}

// uploadsBelow visits the multipart uploads of all keys that start so.
func (s *s3) uploadsBelow(ctx context.Context, start string, visit func(minio.ObjectMultipartInfo) error) error {
	afterKey, afterUpload := "", ""
	for {
		page, err := s.uploadsPage(ctx, start, afterKey, afterUpload)
		if err != nil {
			return err
		}
		for _, upload := range page.Uploads {
			if err := visit(upload); err != nil {
				return err
			}
		}
		if !page.IsTruncated || page.NextKeyMarker == afterKey && page.NextUploadIDMarker == afterUpload {
			return nil
		}
		afterKey, afterUpload = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

func (s *s3) uploadsPage(ctx context.Context, start, afterKey, afterUpload string) (minio.ListMultipartUploadsResult, error) {
	ctx, cancel := s.call(ctx)
	defer cancel()
	page, err := s.core.ListMultipartUploads(ctx, s.options.Bucket, s.object(start), afterKey, afterUpload, "", pageSize)
	return page, s.failed("list uploads", start, err)
}

func (s *s3) abortUpload(ctx context.Context, key, upload string) error {
	ctx, cancel := s.call(ctx)
	defer cancel()
	err := s.core.AbortMultipartUpload(ctx, s.options.Bucket, s.object(key), upload)
	if minio.ToErrorResponse(err).Code == minio.NoSuchUpload {
		return nil // it was completed or given up meanwhile
	}
	return s.failed("give up upload", key, err)
}
