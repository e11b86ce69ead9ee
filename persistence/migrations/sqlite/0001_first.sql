-- The tables of the specification, clients and files, with what sealquay adds.
CREATE TABLE clients (
    ID         BLOB      NOT NULL PRIMARY KEY CHECK (length(ID) = 16),
    Name       TEXT      NOT NULL UNIQUE,
    PublicKey  BLOB      CHECK (PublicKey IS NULL OR length(PublicKey) = 160),
    LastSeen   TIMESTAMP NOT NULL,
    Registered TIMESTAMP NOT NULL,
    Checksum   TEXT      NOT NULL DEFAULT '' CHECK (Checksum IN ('', 'crc32', 'cksum'))
) WITHOUT ROWID;

-- One row for each name of each client. PathName is where the content is when
-- Verified, and where it would have been when not. Number counts the contents
-- that were verified under the name.
CREATE TABLE files (
    ID         BLOB      NOT NULL REFERENCES clients (ID),
    FileName   TEXT      NOT NULL,
    PathName   TEXT      NOT NULL,
    Verified   BOOLEAN   NOT NULL CHECK (Verified IN (0, 1)),
    Number     INTEGER   NOT NULL,
    Size       INTEGER   NOT NULL,
    CRC32      INTEGER   NOT NULL,
    Cksum      INTEGER   NOT NULL,
    Received   TIMESTAMP NOT NULL,
    VerifiedAt TIMESTAMP,
    PRIMARY KEY (ID, FileName)
) WITHOUT ROWID;

-- No two verified rows ever point at one content.
CREATE UNIQUE INDEX files_content ON files (PathName) WHERE Verified;

-- Earlier contents of a verified name, kept when conflicts are set to keep.
CREATE TABLE versions (
    PathName   TEXT      NOT NULL PRIMARY KEY,
    ID         BLOB      NOT NULL REFERENCES clients (ID),
    FileName   TEXT      NOT NULL,
    Number     INTEGER   NOT NULL,
    Size       INTEGER   NOT NULL,
    CRC32      INTEGER   NOT NULL,
    Cksum      INTEGER   NOT NULL,
    Received   TIMESTAMP NOT NULL,
    VerifiedAt TIMESTAMP NOT NULL
) WITHOUT ROWID;

CREATE INDEX versions_file ON versions (ID, FileName, Number);

-- Claims on content that no file row holds: an upload under way (State 0), or
-- content to be removed (1) or moved to quarantine (2). A row is here before
-- its content can be, and leaves after it.
CREATE TABLE uploads (
    Upload   TEXT      NOT NULL PRIMARY KEY,
    ID       BLOB      NOT NULL,
    FileName TEXT      NOT NULL,
    PathName TEXT      NOT NULL UNIQUE,
    Size     INTEGER   NOT NULL,
    State    INTEGER   NOT NULL CHECK (State IN (0, 1, 2)),
    Owner    TEXT      NOT NULL,
    Started  TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- Who opened the store last: written at every opening, so that each opening
-- makes one durable transaction before it acts on what it read.
CREATE TABLE store (
    One   INTEGER   NOT NULL PRIMARY KEY CHECK (One = 1),
    Owner TEXT      NOT NULL,
    Since TIMESTAMP NOT NULL
);
