// Package rooms holds the test that keeps the rooms of the house apart: which
// package may know which (the README's reading order, and the rooms' doc.go).
package rooms
