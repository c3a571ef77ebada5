"""A ledger in PostgreSQL, for any number of machines."""

from ....storage import psycopg_extra as psycopg_extra  # first: it says what is missing
