// Package documents has the commands that the documents show, for the tests that
// run them as a reader would. Its own test demands that all of them are run.
package documents
