package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sealquay/sealquay/codec"
	"github.com/sealquay/sealquay/internal/proof/account"
	"github.com/sealquay/sealquay/persistence"
)

// rest is how long the cluster may take until nothing is under way any more.
const rest = 45 * time.Second

// judge waits until the cluster is at rest, and compares what it has with what
// it promised.
func (d *driver) judge(ctx context.Context) error {
	d.judged++
	if err := d.awaitRest(ctx); err != nil {
		return err
	}
	for _, pair := range d.stage.settings() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "AWS_") {
			if err := os.Setenv(name, value); err != nil { // where the S3 client looks for credentials
				return err
			}
		}
	}
	store, err := persistence.OpenReadOnly(ctx, persistence.Options{
		Postgres: d.stage.dsn(),
		S3:       &persistence.S3{Endpoint: d.stage.s3.URL(), Bucket: "sealquay", Region: "us-east-1"},
	})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := d.judgeFiles(ctx, store); err != nil {
		return err
	}
	if err := d.judgeClients(ctx, store); err != nil {
		return err
	}
	report, err := store.Check(ctx, persistence.CheckOptions{Deep: true})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		d.wrong("check: %s %s %s", f.Problem, f.PathName, f.Detail)
	}
	return nil
}

// awaitRest waits until every claim on content is settled.
func (d *driver) awaitRest(ctx context.Context) error {
	deadline := time.Now().Add(rest)
	for {
		left, err := d.ask(ctx, "SELECT count(*) FROM uploads")
		if err != nil {
			return err
		}
		if left == "0" {
			return nil
		}
		if time.Now().After(deadline) {
			rows, err := d.ask(ctx, "SELECT State, Owner, Started, PathName FROM uploads ORDER BY Started LIMIT 5")
			d.wrong("%s rows of uploads are left after %v, as these:\n%s", left, rest, rows)
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (d *driver) judgeFiles(ctx context.Context, store *persistence.Store) error {
	found := map[account.File]func() ([]byte, error){}
	for f, err := range store.Files(ctx, persistence.FileFilter{Verified: true}) {
		if err != nil {
			return err
		}
		name := account.File{Client: f.ClientName, Name: f.FileName}
		if found[name] != nil {
			d.wrong("%v is there twice", name)
		}
		found[name] = func() ([]byte, error) {
			content, err := store.Content(ctx, f)
			if err != nil {
				return nil, err
			}
			defer content.Close()
			return io.ReadAll(content)
		}
	}
	doubted, survived := d.verdict.Doubted, d.verdict.Survived
	d.verdict = d.files.Compare(found)
	d.verdict.Doubted += doubted
	d.verdict.Survived += survived
	for _, lost := range d.verdict.Lost {
		d.wrong("LOST %s", lost)
	}
	for _, unasked := range d.verdict.Unasked {
		d.wrong("there and never asked for: %s", unasked)
	}
	return nil
}

func (d *driver) judgeClients(ctx context.Context, store *persistence.Store) error {
	table, ids := map[string]codec.ClientID{}, map[codec.ClientID]bool{}
	for c, err := range store.Clients(ctx) {
		if err != nil {
			return err
		}
		id := codec.ClientID(c.ID)
		if _, twice := table[c.Name]; twice || ids[id] {
			d.wrong("the table has the name %q or the id %s twice", c.Name, c.ID)
		}
		table[c.Name], ids[id] = id, true
	}
	for name, id := range d.approved {
		if table[name] != id {
			d.wrong("%q was approved as %x, the table has %s", name, id, fmt.Sprintf("%x", table[name]))
		}
	}
	return nil
}
