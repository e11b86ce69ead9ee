-- Deliveries are taken for one target at a time, so that a slow one holds up no
-- other.
DROP INDEX deliveries_due;

CREATE INDEX deliveries_by_target ON deliveries (Target, Due) WHERE NOT Dead;
