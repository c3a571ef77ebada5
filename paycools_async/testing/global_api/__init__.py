"""The fake's side of the Global API."""
