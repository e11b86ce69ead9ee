// Package config finds out how the server is to run: from flags, the environment, config.json, port.info and defaults.
//
// One table, [settings] in settings.go, holds every key. It drives parsing, defaults, ranges, the names of environment
// variables, printing, the nearest known key in errors, and docs/CONFIGURATION.md.
package config
