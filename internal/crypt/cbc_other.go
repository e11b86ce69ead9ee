package crypt

func newCBCDecrypter() cbcDecrypter { return new(standardCBC) }
