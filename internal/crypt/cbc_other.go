//go:build !amd64 || purego

package crypt

func newCBCDecrypter() cbcDecrypter { return new(standardCBC) }
