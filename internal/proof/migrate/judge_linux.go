package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sealquay/sealquay/persistence"
)

// checked are the findings of a check that reads everything.
func checked(ctx context.Context, s *persistence.Store) (wrong []string, err error) {
	report, err := s.Check(ctx, persistence.CheckOptions{Deep: true})
	for _, f := range report.Findings {
		wrong = append(wrong, fmt.Sprintf("check: %s %s %s", f.Problem, f.PathName, f.Detail))
	}
	return wrong, err
}

// swept sweeps, and says what of it nothing explains.
func swept(ctx context.Context, s *persistence.Store) (wrong []string, err error) {
	report, err := s.Sweep(ctx)
	for _, key := range report.Quarantined {
		wrong = append(wrong, "content without a row: "+key)
	}
	for _, key := range report.Drafts {
		wrong = append(wrong, "a draft without a row: "+key)
	}
	for _, f := range report.Missing {
		wrong = append(wrong, "a row without content: "+f.PathName)
	}
	return wrong, err
}

// rowsOf are all rows that clients and operators know of, sorted, but where
// content is.
func rowsOf(ctx context.Context, s *persistence.Store) ([]string, error) {
	var out bytes.Buffer
	if err := s.Export(ctx, &out); err != nil {
		return nil, err
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, row := range rows {
		if before, rest, found := strings.Cut(row, `"path_name":"`); found {
			_, after, _ := strings.Cut(rest, `"`)
			rows[i] = before + after
		}
	}
	for d, err := range s.Deliveries(ctx) {
		if err != nil {
			return nil, err
		}
		d.PathName = ""
		rows = append(rows, fmt.Sprintf("%+v", d))
	}
	keys, err := s.PendingKeys(ctx)
	for _, key := range keys {
		rows = append(rows, fmt.Sprintf("%+v", key))
	}
	slices.Sort(rows)
	return rows, err
}

// compareRows says which rows only one of two stores has.
func compareRows(ctx context.Context, from, to *persistence.Store) (wrong []string, err error) {
	want, err := rowsOf(ctx, from)
	if err != nil {
		return nil, err
	}
	got, err := rowsOf(ctx, to)
	for _, row := range want {
		if !slices.Contains(got, row) {
			wrong = append(wrong, "not there: "+row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			wrong = append(wrong, "there, and not in the source: "+row)
		}
	}
	if len(got) != len(want) {
		wrong = append(wrong, fmt.Sprintf("%d rows, the source has %d", len(got), len(want)))
	}
	return wrong, err
}

// content is one that has to be there.
type content struct {
	client string // name
	file   string
	number int64
	bytes  []byte
}

// compareContents reads each content that has to be there. That there are no
// others, the caller knows from their number.
func compareContents(ctx context.Context, s *persistence.Store, want []content) (wrong []string, err error) {
	for _, c := range want {
		client, err := s.FindClient(ctx, c.client)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		_, stored, err := s.Read(ctx, client.ID, c.file, c.number)
		if errors.Is(err, persistence.ErrNoFile) {
			wrong = append(wrong, fmt.Sprintf("version %d of %s of %s is not there", c.number, c.file, c.client))
			continue
		}
		if err != nil {
			return wrong, err
		}
		found, err := io.ReadAll(stored)
		if err = errors.Join(err, stored.Close()); err != nil {
			return wrong, err
		}
		if !bytes.Equal(found, c.bytes) {
			wrong = append(wrong, fmt.Sprintf("version %d of %s of %s has %d bytes, not the %d it had", c.number, c.file, c.client, len(found), len(c.bytes)))
		}
	}
	return wrong, nil
}
