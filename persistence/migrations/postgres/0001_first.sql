-- The tables of the specification, clients and files, with what sealquay adds.
-- Names are compared byte by byte, as in every other database.
CREATE TABLE clients (
    ID         BYTEA            NOT NULL PRIMARY KEY CHECK (length(ID) = 16),
    Name       TEXT COLLATE "C" NOT NULL UNIQUE,
    PublicKey  BYTEA            CHECK (PublicKey IS NULL OR length(PublicKey) = 160),
    LastSeen   TIMESTAMPTZ      NOT NULL,
    Registered TIMESTAMPTZ      NOT NULL,
    Checksum   TEXT             NOT NULL DEFAULT '' CHECK (Checksum IN ('', 'crc32', 'cksum'))
);

-- One row for each name of each client. PathName is where the content is when
-- Verified, and where it would have been when not. Number counts the contents
-- that were verified under the name.
CREATE TABLE files (
    ID         BYTEA            NOT NULL REFERENCES clients (ID),
    FileName   TEXT COLLATE "C" NOT NULL,
    PathName   TEXT COLLATE "C" NOT NULL,
    Verified   BOOLEAN          NOT NULL,
    Number     BIGINT           NOT NULL,
    Size       BIGINT           NOT NULL,
    CRC32      BIGINT           NOT NULL,
    Cksum      BIGINT           NOT NULL,
    Received   TIMESTAMPTZ      NOT NULL,
    VerifiedAt TIMESTAMPTZ,
    PRIMARY KEY (ID, FileName)
);

-- No two verified rows ever point at one content.
CREATE UNIQUE INDEX files_content ON files (PathName) WHERE Verified;

-- Earlier contents of a verified name, kept when conflicts are set to keep.
CREATE TABLE versions (
    PathName   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ID         BYTEA            NOT NULL REFERENCES clients (ID),
    FileName   TEXT COLLATE "C" NOT NULL,
    Number     BIGINT           NOT NULL,
    Size       BIGINT           NOT NULL,
    CRC32      BIGINT           NOT NULL,
    Cksum      BIGINT           NOT NULL,
    Received   TIMESTAMPTZ      NOT NULL,
    VerifiedAt TIMESTAMPTZ      NOT NULL
);

CREATE INDEX versions_file ON versions (ID, FileName, Number);

-- Claims on content that no file row holds: an upload under way (State 0), or
-- content to be removed (1) or moved to quarantine (2). A row is here before
-- its content can be, and leaves after it.
CREATE TABLE uploads (
    Upload   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ID       BYTEA            NOT NULL,
    FileName TEXT COLLATE "C" NOT NULL,
    PathName TEXT COLLATE "C" NOT NULL UNIQUE,
    Size     BIGINT           NOT NULL,
    State    INTEGER          NOT NULL CHECK (State IN (0, 1, 2)),
    Owner    TEXT             NOT NULL,
    Started  TIMESTAMPTZ      NOT NULL
);

-- Who opened the store last: written at every opening, so that each opening
-- makes one durable transaction before it acts on what it read.
CREATE TABLE store (
    One   INTEGER     NOT NULL PRIMARY KEY CHECK (One = 1),
    Owner TEXT        NOT NULL,
    Since TIMESTAMPTZ NOT NULL
);

-- The nodes that work now. An upload is gone on with as long as its owner's
-- row says so, by the clock of the database.
CREATE TABLE owners (
    Owner TEXT        NOT NULL PRIMARY KEY,
    Until TIMESTAMPTZ NOT NULL
);
