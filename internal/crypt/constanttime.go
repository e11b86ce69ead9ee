package crypt

// Masks are all ones or all zeros. Package subtle works on int and keeps its
// conditions as 0 or 1; content needs them as masks over 32 bits.

// maskLess is all ones if a < b, for a and b below 2^31.
func maskLess(a, b uint32) uint32 { return -((a - b) >> 31) }

// maskEqual is all ones if a = b, for a and b below 2^31.
func maskEqual(a, b uint32) uint32 { return maskLess(a^b, 1) }

// choose returns a where mask is all ones, b where it is zero.
func choose(mask, a, b uint32) uint32 { return b ^ mask&(a^b) }
