"""The country editions, and what they share."""
