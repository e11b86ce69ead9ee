-- What is still to be told of verified files: a row for each file and target,
-- made by the transaction that verifies the file. It leaves when the target has
-- taken it; Dead says that nobody tries any more.
CREATE TABLE deliveries (
    Delivery   TEXT      NOT NULL,
    Target     TEXT      NOT NULL,
    ID         BLOB      NOT NULL REFERENCES clients (ID),
    FileName   TEXT      NOT NULL,
    PathName   TEXT      NOT NULL,
    Number     INTEGER   NOT NULL,
    Size       INTEGER   NOT NULL,
    CRC32      INTEGER   NOT NULL,
    Cksum      INTEGER   NOT NULL,
    VerifiedAt TIMESTAMP NOT NULL,
    Attempts   INTEGER   NOT NULL,
    Due        TIMESTAMP NOT NULL,
    Failure    TEXT      NOT NULL,
    Dead       BOOLEAN   NOT NULL CHECK (Dead IN (0, 1)),
    PRIMARY KEY (Delivery, Target)
) WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (Due) WHERE NOT Dead;
