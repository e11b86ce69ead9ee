//go:build !purego

package crypt

import "golang.org/x/sys/cpu"

// cpuid7 returns ECX of the CPU's leaf 7: Intel's Software Developer's Manual, volume 2,
// CPUID. It means nothing without AVX2, which the same leaf reports.
func cpuid7() uint32

// features7 is asked for once: under a hypervisor each CPUID is a trap.
var features7 = cpuid7()

// hasVAESAVX2 and hasVPCLMULAVX2 say whether the CPU has VAES and VPCLMULQDQ on 256-bit
// registers, encoded as AVX2 is. Package cpu reports AVX2 only where the operating
// system saves these registers, and the two only where there is AVX-512 too.
func hasVAESAVX2() bool    { return cpu.X86.HasAVX2 && features7&(1<<9) != 0 }
func hasVPCLMULAVX2() bool { return cpu.X86.HasAVX2 && features7&(1<<10) != 0 }
