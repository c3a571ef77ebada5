"""Imported before psycopg, to say in one line what to install where it is missing or finds no libpq."""

try:
    import psycopg as psycopg
except ImportError as error:
    what = "is not installed" if isinstance(error, ModuleNotFoundError) else "does not find libpq"
    raise ModuleNotFoundError(
        f'PostgreSQL needs the extra: pip install "paycools-async[postgres]" (psycopg {what})', name="psycopg"
    ) from error
