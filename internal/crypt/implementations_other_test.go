//go:build !amd64 || purego

package crypt

func cbcDecrypters() map[string]cbcDecrypter {
	return map[string]cbcDecrypter{"Standard": new(standardCBC)}
}

func cksumUpdaters() map[string]func(uint32, []byte) uint32 {
	return map[string]func(uint32, []byte) uint32{"Generic": updateCksumGeneric}
}
