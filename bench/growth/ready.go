package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// awaitReady reads a server's log until it says that it is ready, and returns
// the address that it gives.
func awaitReady(ctx context.Context, path string) (addr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		for line := range bytes.Lines(text) {
			var event struct{ Event, Addr string }
			if json.Unmarshal(line, &event) != nil {
				continue // the rest of it is not written yet
			}
			switch event.Event {
			case "server.ready":
				return event.Addr, nil
			case "server.failed":
				return "", errors.New(string(bytes.TrimSpace(line)))
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the server did not become ready: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
