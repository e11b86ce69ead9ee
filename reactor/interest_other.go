//go:build !linux

package reactor

func findInterest(int) interest { return interest{-1} }

func (i interest) set(int, bool, bool) error { return errNoInterest }
