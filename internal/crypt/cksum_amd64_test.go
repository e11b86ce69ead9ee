//go:build !purego

package crypt

// cksumUpdaters are the implementations that can run here, by name.
func cksumUpdaters() map[string]func(uint32, []byte) uint32 {
	m := map[string]func(uint32, []byte) uint32{"Generic": updateCksumGeneric}
	if hasCLMUL() {
		m["CLMUL"] = updateCksumCLMUL
	}
	if hasVPCLMUL() {
		m["VPCLMUL"] = updateCksumVPCLMUL
	}
	return m
}
