//go:build !amd64 || purego

package crypt

func cbcDecrypters() map[string]cbcDecrypter {
	return map[string]cbcDecrypter{"Standard": new(standardDecrypter)}
}

func sumsUpdaters() map[string]sumsUpdater {
	return map[string]sumsUpdater{"Generic": updateSumsGeneric}
}

func cksumUpdaters() map[string]func(uint32, []byte) uint32 {
	return map[string]func(uint32, []byte) uint32{"Generic": updateCksum}
}

func cbcEncrypters() map[string]cbcEncrypter {
	return map[string]cbcEncrypter{"Standard": new(standardEncrypter)}
}
