//go:build !linux

package persistence

import "os"

func syncData(file *os.File) error { return file.Sync() }
