package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Webhook is a URL that each event is posted to as JSON. Any status of 200 to
// 299 says that it has taken it. Redirections are not followed.
//
// With a secret, requests are signed as the Standard Webhooks specification
// (version 1.0.0) has it: the headers webhook-id, webhook-timestamp and
// webhook-signature.
type Webhook struct {
	url    string
	secret []byte
	client *http.Client
}

// NewWebhook makes a Webhook. The secret may be empty. A Standard Webhooks
// secret, "whsec_" and Base64, is decoded; any other is taken as it is.
func NewWebhook(url, secret string) *Webhook {
	w := &Webhook{url: url, secret: []byte(secret)}
	if encoded, found := strings.CutPrefix(secret, "whsec_"); found {
		if key, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			w.secret = key
		}
	}
	w.client = &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: parallel, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// Close ends the connections that are kept for the next request.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// Deliver posts the event.
func (w *Webhook) Deliver(ctx context.Context, e Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "sealquay")
	w.sign(request.Header, e.Delivery, time.Now(), body)
	response, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	words, _ := io.ReadAll(io.LimitReader(response.Body, longestFailure)) // they only explain
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("%s answered %s: %s", request.URL.Redacted(), response.Status, bytes.TrimSpace(words))
	}
	return nil
}

func (w *Webhook) sign(h http.Header, id string, at time.Time, body []byte) {
	moment := strconv.FormatInt(at.Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", moment)
	if len(w.secret) == 0 {
		return
	}
	mac := hmac.New(sha256.New, w.secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, moment, body)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
