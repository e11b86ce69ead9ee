-- Revoked is when an operator shut a client out; it is NULL for all others.
ALTER TABLE clients ADD COLUMN Revoked TIMESTAMPTZ;
