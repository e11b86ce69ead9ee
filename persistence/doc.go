// Package persistence records clients and files, and keeps the content of
// files. It knows nothing of the wire: a caller registers clients, begins an
// upload, writes content, and verifies or discards it.
//
// # What verified means
//
// When Upload.Verify returns nil, the content is on stable storage, the row is
// durably committed with Verified = 1, and both survive kill -9 and a power
// cut. The order that makes it so:
//
//  1. Begin commits an intent: a row of uploads that fixes the key (the path)
//     under which the content shall be. No other row ever has that key.
//  2. The content is written to a file that has no final name.
//  3. The content is flushed (fsync), and then the intent. Small content is
//     put into the journal instead, whose flush many share.
//  4. It is linked to its final name, which must be free.
//  5. The directory is flushed, and the one above it if it is new; not where
//     the journal has the content.
//  6. One transaction removes the intent, makes the row of files verified, and
//     claims the content it replaces for removal. Its commit is flushed.
//  7. Only then is the replaced content removed, and after that its claim.
//
// At each moment every content that is, or may be, on disk is claimed by
// exactly one row: of files, of versions, or of uploads. So after a crash the
// rows say what to do: an intent is turned into a claim for removal, that is
// made durable, then the content is removed, then the claim. Whatever fails in
// 3 to 6 ends the upload. A flush that failed is never repeated.
//
// A commit is seen by all before it is flushed. Commits reach the disk in their
// order, so a power cut takes the last ones and leaves no gap. What goes out of
// the database waits for the flush: an answer that promises something, a name
// for content, and the removal of content.
//
// # The journal
//
// Two files hold small content, one record after the other, until all files are
// flushed at once (syncfs), which is a second later or so. Then the records count
// no more. After a crash the first thing is that the files of all records are
// written anew that a verified row has; what is there, and under which name, the
// power cut may have taken. A key that has a record is not used for another
// content. Who reads from a store that is only looked at reads the journal first.
//
// # Quotas
//
// With a Quota, Begin reserves what a client has announced in the transaction
// that records the intent. The counters in the table usage are moved only in the
// transaction of what they count, so they are right after a crash too, and Check
// proves it. Without a Quota nothing is counted, and the next opening with one
// counts what is there.
//
// # Copying
//
// While anybody holds a shared lock (flock) on the data directory, no content
// is removed: what a copy of the rows made meanwhile says stays there to be
// copied.
//
// # What is where
//
// Below the data directory: sealquay.db, the rows in SQLite; sealquay.lock,
// held by the process that serves; sealquay.journal.0 and .1; files/<client
// id>/<file name>, what is verified; versions/<client id>/<upload>, what is
// verified but came while the plain path was in use; tmp, drafts; quarantine,
// what Sweep and Check took out of sight.
//
// Two small interfaces carry this, so that both can be kept elsewhere: rows
// (transactions over the tables) and content (bytes under a key). All SQL is in
// the methods of Store, and is the same for each database.
package persistence
