"""`paycools payouts run`, `release` and `resume`: which batches, the yes to them, and what comes after it."""
