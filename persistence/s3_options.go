package persistence

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 says in which S3-compatible store content is kept. Credentials are not
// here: they come from the environment (AWS_ACCESS_KEY_ID and its kin), from
// the credentials file, or from the machine's role, in this order.
type S3 struct {
	Endpoint    string        // URL: https://host, or http://host:port
	Bucket      string        // which must exist
	Prefix      string        // of all keys in the bucket, without slashes around it; may be empty
	Region      string        // empty: the store is asked
	Credentials string        // file in the format of the AWS tools; empty: where these have it
	CAFile      string        // PEM certificates to trust beside the system's; may be empty
	PartSize    int64         // bytes of a part of a multipart upload, 5 MiB to 5 GiB; 0 is 8 MiB
	Memory      int64         // bytes of parts in memory, over all uploads; 0 is 64 MiB
	SpoolDir    string        // where parts go that find no memory; empty: the system's
	Timeout     time.Duration // for one call with its repetitions; 0 is one minute
}

const (
	// leastPart is what S3 takes as a part that is not the last.
	leastPart = 5 << 20
	mostPart  = 5 << 30
)

func (o S3) partSize() int64        { return cmp.Or(o.PartSize, 8<<20) }
func (o S3) memory() int64          { return cmp.Or(o.Memory, 64<<20) }
func (o S3) timeout() time.Duration { return cmp.Or(o.Timeout, time.Minute) }

// place names the store in errors.
func (o S3) place() string { return "bucket " + o.Bucket + " at " + o.Endpoint }

// check refuses what cannot work, and returns the endpoint's parts.
func (o S3) check() (*url.URL, error) {
	endpoint, err := url.Parse(o.Endpoint)
	switch {
	case err != nil, endpoint.Host == "", endpoint.Scheme != "https" && endpoint.Scheme != "http":
		return nil, errors.New("endpoint: want https://HOST or http://HOST:PORT") // it may hold a password
	case endpoint.User != nil || endpoint.Path != "" && endpoint.Path != "/" || endpoint.RawQuery != "":
		return nil, fmt.Errorf("endpoint of host %s: want nothing but scheme, host and port", endpoint.Host)
	case o.Bucket == "":
		return nil, errors.New("no bucket is given")
	case o.partSize() < leastPart || o.partSize() > mostPart:
		return nil, fmt.Errorf("parts of %d bytes: S3 wants %d to %d", o.partSize(), int64(leastPart), int64(mostPart))
	}
	return endpoint, nil
}

// credentials is the chain of places where credentials may be.
func (o S3) credentials() *credentials.Credentials {
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{Filename: o.Credentials},
		&credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
	})
}

// transport bounds every step of a request: a peer that says nothing for half
// of the timeout is given up, so that there is time to try again.
func (o S3) transport() (*http.Transport, error) {
	patience := o.timeout() / 2
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialWithPatience(patience),
		TLSHandshakeTimeout:   patience,
		ResponseHeaderTimeout: patience,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       patience,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
		DisableCompression:    true, // content comes as it is
	}
	if o.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, err
	}
	trusted, err := x509.SystemCertPool()
	if err != nil {
		trusted = x509.NewCertPool()
	}
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", o.CAFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	return t, nil
}
