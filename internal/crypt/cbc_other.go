//go:build !amd64 || purego

package crypt

func newCBCDecrypter() cbcDecrypter { return new(standardDecrypter) }

func newCBCEncrypter() cbcEncrypter { return new(standardEncrypter) }
