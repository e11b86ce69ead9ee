package persistence

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// explained makes connections, and says of those that fail for want of TLS what
// would be right.
type explained struct{ driver.Connector }

// Connect implements driver.Connector.
func (c explained) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err == nil {
		return conn, nil
	}
	if strings.Contains(err.Error(), refusesTLS) {
		return nil, fmt.Errorf("%w: set ssl = on there, with a certificate, or sslmode=disable in the connection where nobody listens in between", err)
	}
	return nil, explainTLS(err, "the file that sslrootcert of the connection names", "the connection")
}

// What pgx says, which has no errors to tell these apart.
const (
	refusesTLS = "server refused TLS connection"
	noPEM      = "unable to add CA to cert pool"
)

// explainDSN says what is wrong with a connection, but nothing of what it holds
// beside the paths of files.
func explainDSN(err error) error {
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return fmt.Errorf("a file that the connection to PostgreSQL names: %w", file)
	case strings.Contains(err.Error(), noPEM):
		return errors.New("the file that sslrootcert of the connection to PostgreSQL names holds no PEM certificate")
	}
	return errors.New("the DSN of PostgreSQL cannot be read: want postgres://user@host:port/database or keywords like \"host=… dbname=…\"")
}
