"""Orders and statements from .xlsx files."""
