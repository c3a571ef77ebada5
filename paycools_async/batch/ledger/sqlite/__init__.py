"""A ledger in a file, for one machine."""
