"""How commands that run for long are watched: their log, and what a worker serves over HTTP."""
