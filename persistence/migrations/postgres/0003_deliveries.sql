-- What is still to be told of verified files: a row for each file and target,
-- made by the transaction that verifies the file. It leaves when the target has
-- taken it; Dead says that nobody tries any more.
CREATE TABLE deliveries (
    Delivery   TEXT COLLATE "C" NOT NULL,
    Target     TEXT COLLATE "C" NOT NULL,
    ID         BYTEA            NOT NULL REFERENCES clients (ID),
    FileName   TEXT COLLATE "C" NOT NULL,
    PathName   TEXT COLLATE "C" NOT NULL,
    Number     BIGINT           NOT NULL,
    Size       BIGINT           NOT NULL,
    CRC32      BIGINT           NOT NULL,
    Cksum      BIGINT           NOT NULL,
    VerifiedAt TIMESTAMPTZ      NOT NULL,
    Attempts   INTEGER          NOT NULL,
    Due        TIMESTAMPTZ      NOT NULL,
    Failure    TEXT             NOT NULL,
    Dead       BOOLEAN          NOT NULL,
    PRIMARY KEY (Delivery, Target)
);

CREATE INDEX deliveries_due ON deliveries (Due) WHERE NOT Dead;
