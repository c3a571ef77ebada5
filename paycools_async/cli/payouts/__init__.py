"""`paycools payouts`: files that are paid, and never twice."""
