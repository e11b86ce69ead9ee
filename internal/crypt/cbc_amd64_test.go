//go:build !purego

package crypt

// cbcDecrypters are the implementations that can run here, by name.
func cbcDecrypters() map[string]cbcDecrypter {
	m := map[string]cbcDecrypter{"Standard": new(standardCBC)}
	if hasAESNI() {
		m["AESNI"] = new(aesniCBC)
	}
	if hasVAES() {
		m["VAES"] = new(vaesCBC)
	}
	return m
}
