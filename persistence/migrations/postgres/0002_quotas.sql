-- Quotas. An upload under way may count against them: 0 not at all, 1 in
-- addition to the verified file of its name, 2 in its place.
ALTER TABLE uploads ADD COLUMN Counted INTEGER NOT NULL DEFAULT 0 CHECK (Counted IN (0, 1, 2));

CREATE INDEX uploads_counted ON uploads (ID, FileName) WHERE State = 0 AND Counted <> 0;

-- What each client has stored and on its way, and under the zero ID what all
-- have together. It is kept only while there are quotas: store.Counting says
-- whether for nobody (0), for each client (1), or for all together too (2).
CREATE TABLE usage (
    ID    BYTEA  NOT NULL PRIMARY KEY CHECK (length(ID) = 16),
    Files BIGINT NOT NULL CHECK (Files >= 0),
    Bytes BIGINT NOT NULL CHECK (Bytes >= 0)
);

ALTER TABLE store ADD COLUMN Counting INTEGER NOT NULL DEFAULT 0 CHECK (Counting IN (0, 1, 2));
