package persistence

// counts says how uploads count against quotas: the column uploads.Counted.
func (o Options) counts() int {
	switch {
	case o.Quota.counting() == countNothing:
		return countedNot
	case o.OnConflict == Replace:
		return countedInstead
	}
	return countedBeside
}

// reserve records the intent and counts it.
func (u *Upload) reserve(t tx, size int64, plainFree bool) (err error) {
	if done, err := u.intended(t); err != nil || done {
		return err
	}
	expect := func(r *nameRows) { r.add(u.store.options.counts(), size) }
	u.warnings, err = u.store.counted(t, u.id, u.fileName, expect, func() error { return u.intend(t, size, plainFree) })
	return err
}

// settleSize records the upload as received, and counts what it really has.
func (u *Upload) settleSize(t tx) error {
	if u.store.options.counts() != countedNot {
		_, err := u.store.counted(t, u.id, u.fileName, nil, func() error {
			_, err := t.exec(`UPDATE uploads SET Size = ? WHERE Upload = ? AND State = 0`, u.size, u.name)
			return err
		})
		if err != nil {
			return err
		}
	}
	return u.recordReceived(t)
}

// countVerified turns the intent into a verified file, and counts it as such.
func (u *Upload) countVerified(t tx) error {
	_, err := u.store.counted(t, u.id, u.fileName, nil, func() error { return u.recordVerified(t) })
	return err
}
