"""The ledger: what it is (`base`), its rows, what is frozen of an order, and its two stores."""
