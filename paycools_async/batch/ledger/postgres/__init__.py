"""A ledger in PostgreSQL, for any number of machines."""
