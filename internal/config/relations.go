package config

import "cmp"

// checkRelations notes the values that are right by themselves and wrong together.
func (l *loader) checkRelations() {
	c := l.config
	if c.ConnectionLowMark >= c.ConnectionHighMark {
		l.clash("connection_low_mark", "less than", "connection_high_mark", "more than")
	}
	if c.ConnectionHighMark > c.MemoryBudget {
		l.clash("connection_high_mark", "at most", "memory_budget", "at least")
	}
	if c.Registration == RegistrationAllowlist && c.RegistrationFile == "" {
		l.wrong("registration", "allowlist only with registration_file")
	}
	l.checkStorage()
	l.checkTLS()
}

// checkStorage notes what is missing, or too much, to find the storage.
func (l *loader) checkStorage() {
	s := l.config.Storage
	switch {
	case s.Postgres != "" && s.PostgresFile != "":
		l.wrong("storage.postgres_file", "one of storage.postgres and storage.postgres_file")
	case s.Rows == RowsPostgres && s.Postgres == "" && s.PostgresFile == "":
		l.wrong("storage.rows", "postgres only with storage.postgres or storage.postgres_file")
	case s.Rows == RowsPostgres && s.Content != ContentS3:
		l.wrong("storage.rows", "postgres only with storage.content s3: every node must reach the content")
	}
	if s.Content == ContentS3 && (l.config.S3.Endpoint == "" || l.config.S3.Bucket == "") {
		l.wrong("storage.content", "s3 only with s3.endpoint and s3.bucket")
	}
}

// wrong notes that a value cannot be together with others.
func (l *loader) wrong(key, allowed string) {
	at := l.config.Source(key)
	l.problems = append(l.problems, Problem{File: at.File, Line: at.Line, Column: at.Column, Key: cmp.Or(at.Name, key),
		Found: l.config.text(key), Allowed: allowed})
}

// clash notes that small is not less than big, where the user can change it: a default is not blamed.
func (l *loader) clash(small, must, big, mustBig string) {
	blamed, other := small, big
	if _, given := l.config.sources[small]; !given {
		blamed, must, other = big, mustBig, small
	}
	at := l.config.Source(blamed)
	key := blamed
	if at.Name != "" {
		key = at.Name
	}
	l.problems = append(l.problems, Problem{File: at.File, Line: at.Line, Column: at.Column, Key: key,
		Found:   l.config.text(blamed),
		Allowed: must + " " + other + ", which is " + l.config.text(other) + " (" + l.config.Source(other).String() + ")",
	})
}
