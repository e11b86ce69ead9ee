//go:build !linux

package persistence

func stopPostgres() {} // tests start one on Linux only
