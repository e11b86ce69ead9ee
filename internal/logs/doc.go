// Package logs reads what the server logged: it finds lines in files and streams, in the order of time, and adds up
// what they say. docs/LOGGING.md describes the lines.
//
// [Open] gives [Lines], a [Filter] chooses among them, and a printer or a summary takes them. Reading is made for
// gigabytes: a line that cannot match is passed over without being parsed.
package logs
