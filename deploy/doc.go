// Package deploy is what an installation takes: the unit of systemd, the
// packages, the image, and what other programs need to work with sealquay. It
// has no code but its tests, which try each part as its users would.
package deploy
