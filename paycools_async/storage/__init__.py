"""Durable stores: what a ledger and an inbox both stand on. Knows nothing of payouts or callbacks."""
