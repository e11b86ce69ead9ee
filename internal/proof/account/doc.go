// Package account knows what a proof expects of the files of a server: which
// version of each was acknowledged, which may have been committed without an
// answer, and what their content is. It is written from the promise alone, and
// knows nothing of how a server keeps it.
package account
