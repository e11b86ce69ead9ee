package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/minio/minio-go/v7"
)

// hintsS3 say what to do about an answer of the store.
var hintsS3 = map[string]string{
	"NoSuchBucket":                 "make the bucket first, or correct s3.bucket",
	"AccessDenied":                 "the credentials must allow to list, read, write and delete objects and multipart uploads of the bucket",
	"InvalidAccessKeyId":           "the store does not know the access key",
	"SignatureDoesNotMatch":        "the secret key is not the one of this access key",
	"AuthorizationHeaderMalformed": "s3.region is not the one of the bucket",
	"PermanentRedirect":            "s3.region or s3.endpoint is not the one of the bucket",
	"InvalidRegion":                "s3.region is not the one of the bucket",
	"RequestTimeTooSkewed":         "the clock of this machine or of the store is wrong: the times differ by more than 15 minutes",
	"BadDigest":                    "what the store received is not what was sent",
	"NotImplemented":               "the store lacks something that is needed, see docs/CLUSTER.md",
}

// explainS3 makes an error of the store one that callers tell apart, and adds
// what to do about it.
func explainS3(err error) error {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w: the store speaks no TLS: s3.endpoint must begin with http://, or the store be given a certificate", err)
	}
	err = explainTLS(err, "s3.ca_file", "s3.endpoint")
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return err
	}
	switch {
	case answer.Code == minio.NoSuchKey || answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket && answer.Code != minio.NoSuchUpload:
		return fmt.Errorf("%w (%s)", fs.ErrNotExist, answer.Code)
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w (%s)", fs.ErrExist, answer.Code)
	case answer.StatusCode == http.StatusInsufficientStorage || answer.Code == "QuotaExceeded":
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	if hint, ok := hintsS3[answer.Code]; ok {
		return fmt.Errorf("%s: %w: %s", answer.Code, err, hint)
	}
	return fmt.Errorf("%s: %w", answer.Code, err)
}
