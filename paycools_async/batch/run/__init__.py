"""Sending what was released and finding out what became of it."""
