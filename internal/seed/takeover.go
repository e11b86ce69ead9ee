package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sealquay/sealquay/internal/crypt"
	"github.com/sealquay/sealquay/persistence"
)

// clientsFolder is where the old server keeps files, below its directory.
const clientsFolder = "Clients"

// TakeOver copies the clients and the confirmed files of the old server in dir
// into a store. It may be repeated: what is there already stays as it is. Of a
// client whose key or time does not fit, the rest is taken over. AES keys are
// not: each session has its own.
func TakeOver(ctx context.Context, dir string, to *persistence.Store, options persistence.MoveOptions) (persistence.MoveReport, error) {
	t := &takeover{to: to, options: options, clients: map[persistence.ClientID]persistence.Client{},
		there: map[persistence.ClientID]map[string]persistence.File{}}
	if err := t.run(ctx, dir); err != nil {
		return t.report, fmt.Errorf("take over %s: %w", dir, err)
	}
	return t.report, nil
}

type takeover struct {
	root     *os.Root
	dir      string // absolute
	to       *persistence.Store
	options  persistence.MoveOptions
	clients  map[persistence.ClientID]persistence.Client          // that are in the store
	there    map[persistence.ClientID]map[string]persistence.File // verified files of these
	progress persistence.MoveProgress
	report   persistence.MoveReport
}

func (t *takeover) run(ctx context.Context, dir string) (err error) {
	db, err := openDatabase(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	if t.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if t.root, err = os.OpenRoot(dir); err != nil {
		return err
	}
	defer t.root.Close()
	clients, err := readClients(ctx, db)
	if err != nil {
		return err
	}
	files, err := readFiles(ctx, db)
	if err != nil {
		return err
	}
	for _, row := range clients {
		if err := t.client(ctx, row); err != nil {
			return err
		}
	}
	t.progress.AllFiles = int64(len(files))
	for _, row := range files {
		if err := t.file(ctx, row); err != nil {
			return err
		}
		t.progress.Files++
		if t.options.Progress != nil {
			t.options.Progress(t.progress)
		}
	}
	return nil
}

func (t *takeover) leave(client persistence.Client, file string, reason error) {
	t.report.Problems = append(t.report.Problems,
		persistence.MoveProblem{ClientID: client.ID, Client: client.Name, FileName: file, Reason: reason.Error()})
}

func (t *takeover) client(ctx context.Context, row clientRow) error {
	client, doubts, err := row.client()
	if err != nil {
		t.leave(persistence.Client{Name: untilNUL(row.name)}, "", err)
		return nil
	}
	added := false
	if _, twice := t.clients[client.ID]; twice {
		err = persistence.ErrNameTaken
	} else if err = t.nameTwice(client); err == nil {
		added, err = t.to.Adopt(ctx, client, t.options.DryRun)
	}
	switch {
	case errors.Is(err, persistence.ErrNameTaken), errors.Is(err, persistence.ErrInvalidName):
		t.leave(client, "", err)
		return nil
	case err != nil:
		return err
	}
	for _, doubt := range doubts {
		t.leave(client, "", doubt)
	}
	if t.clients[client.ID] = client; added {
		t.report.Clients++
	}
	return nil
}

// nameTwice is for a dry run, which adds no client that the store could find.
func (t *takeover) nameTwice(client persistence.Client) error {
	for _, other := range t.clients {
		if other.Name == client.Name {
			return fmt.Errorf("client %q: %w", client.Name, persistence.ErrNameTaken)
		}
	}
	return nil
}

// file takes one file over, or lists why not. The error is of the store.
func (t *takeover) file(ctx context.Context, row fileRow) error {
	name := untilNUL(row.name)
	id, err := persistence.ParseClientID(row.id)
	if err != nil {
		t.leave(persistence.Client{}, name, err)
		return nil
	}
	client, known := t.clients[id]
	if client.ID = id; !known {
		t.leave(client, name, errors.New("its client was not taken over"))
		return nil
	}
	content, err := t.open(row, name)
	if err != nil {
		t.leave(client, name, err)
		return nil
	}
	defer content.Close()
	return t.content(ctx, client, name, row, content)
}

// open opens the content of a row, which must be a file below Clients.
func (t *takeover) open(row fileRow, name string) (*os.File, error) {
	if !row.confirmed() {
		return nil, errors.New("the client has never confirmed it")
	}
	at := strings.ReplaceAll(untilNUL(row.path), `\`, "/")
	at = path.Clean(strings.TrimPrefix(at, filepath.ToSlash(t.dir)+"/"))
	if !filepath.IsLocal(at) || !strings.HasPrefix(at, clientsFolder+"/") {
		return nil, fmt.Errorf("the path %q is not below %s", row.path, clientsFolder)
	}
	info, err := t.root.Stat(at)
	if err == nil && info.IsDir() && filepath.IsLocal(name) {
		at = path.Join(at, name)
		info, err = t.root.Stat(at)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %q", row.path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q is not a regular file", row.path)
	}
	return t.root.Open(at)
}

func (t *takeover) content(ctx context.Context, client persistence.Client, name string, row fileRow, content *os.File) error {
	sums, size, err := checked(content, row)
	if err != nil {
		t.leave(client, name, err)
		return nil
	}
	t.progress.AllBytes += size
	t.progress.Bytes += size
	there, err := t.stored(ctx, client.ID)
	if err != nil {
		return err
	}
	if old, exists := there[name]; exists {
		if old.Size != size || old.CRC32 != sums.CRC32 {
			t.leave(client, name, errors.New("another file of this name is there"))
			return nil
		}
		t.report.Present++
		return nil
	}
	if !t.options.DryRun {
		err = t.store(ctx, client.ID, name, content, size, sums)
	}
	switch {
	case errors.Is(err, persistence.ErrInvalidName), errors.Is(err, errChanged), errors.As(err, new(*persistence.QuotaError)):
		t.leave(client, name, err)
		return nil
	case err != nil:
		return err
	}
	there[name] = persistence.File{Size: size, CRC32: sums.CRC32}
	t.report.Files++
	t.report.Bytes += size
	return nil
}

// stored are the verified files of a client that the store has.
func (t *takeover) stored(ctx context.Context, id persistence.ClientID) (map[string]persistence.File, error) {
	if there, known := t.there[id]; known {
		return there, nil
	}
	there := map[string]persistence.File{}
	for file, err := range t.to.Files(ctx, persistence.FileFilter{Client: &id, Verified: true}) {
		if err != nil {
			return nil, err
		}
		there[file.FileName] = file
	}
	t.there[id] = there
	return there, nil
}

// checked reads a content, compares it with the CRC that its client has
// confirmed, which may be of either kind, and goes back to its start.
func checked(content *os.File, row fileRow) (crypt.Sums, int64, error) {
	want, err := row.sum()
	if err != nil {
		return crypt.Sums{}, 0, err
	}
	var sums crypt.Checksums
	size, err := io.Copy(&sums, content)
	if err != nil {
		return crypt.Sums{}, 0, err
	}
	found := sums.Sums()
	if want != found.CRC32 && want != found.Cksum {
		return found, size, fmt.Errorf("the content has the CRC-32 %d and the cksum %d, and the client has confirmed %d", found.CRC32, found.Cksum, want)
	}
	_, err = content.Seek(0, io.SeekStart)
	return found, size, err
}

// errChanged means that somebody writes the old server's files.
var errChanged = errors.New("the file has changed while it was read")

// store brings a content into the store the way an upload goes.
func (t *takeover) store(ctx context.Context, id persistence.ClientID, name string, content io.Reader, size int64, sums crypt.Sums) error {
	u, err := t.to.Begin(ctx, id, name, size)
	if err != nil {
		return err
	}
	var again crypt.Checksums
	if _, err = io.Copy(io.MultiWriter(u, &again), content); err == nil && again.Sums() != sums {
		err = errChanged
	}
	if err == nil {
		err = u.Received(ctx, persistence.Sums{CRC32: sums.CRC32, Cksum: sums.Cksum})
	}
	if err == nil {
		err = u.Verify(ctx)
	}
	if err != nil {
		return errors.Join(err, u.Discard(context.WithoutCancel(ctx)))
	}
	return nil
}
