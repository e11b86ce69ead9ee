// Package doctor looks at a machine before and while a server runs on it, and
// says what would go wrong and what to do. What is seen of the machine (files
// ending in _linux.go) is apart from what is thought of it (judge.go).
package doctor
