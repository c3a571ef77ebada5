"""All countries by one path."""
