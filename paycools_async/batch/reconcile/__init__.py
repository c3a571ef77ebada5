"""The ledger against PayCools' own statement."""
