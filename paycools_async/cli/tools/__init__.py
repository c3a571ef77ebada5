"""Commands beside `paycools payouts`: balance, keys, callbacks, sandbox."""
