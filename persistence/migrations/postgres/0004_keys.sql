-- Keys. Modulus is the SHA-256 of the public key's modulus: two clients that
-- have the same are found by it. KeyBudget is until when the client's changes of
-- its key have used up what it may change.
ALTER TABLE clients ADD COLUMN Modulus BYTEA CHECK (Modulus IS NULL OR length(Modulus) = 32);
ALTER TABLE clients ADD COLUMN KeyBudget TIMESTAMPTZ;

CREATE INDEX clients_modulus ON clients (Modulus) WHERE Modulus IS NOT NULL;

-- Public keys that wait for approval, by their SHA-256. One that is approved
-- becomes the client's when the client offers it the next time.
CREATE TABLE pending_keys (
    ID          BYTEA       NOT NULL REFERENCES clients (ID),
    Fingerprint BYTEA       NOT NULL CHECK (length(Fingerprint) = 32),
    Approved    BOOLEAN     NOT NULL,
    Since       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (ID, Fingerprint)
);
