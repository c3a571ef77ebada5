"""What travels: pure functions from fields to bytes and back. No I/O."""
