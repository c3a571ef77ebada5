"""What can be wrong with a store's files. The ledger and the inbox make errors of their own of it."""

from __future__ import annotations

from ..errors import PayCoolsError

__all__ = ["LockHeld", "LockUnusable", "StorageError", "WorkCrashed"]


class StorageError(PayCoolsError):
    """The file cannot be used like this. The text names the file and what to do."""


class LockHeld(StorageError):
    """Somebody else owns the file."""


class LockUnusable(StorageError):
    """The lock cannot be opened or written, so nobody can say whether somebody else owns the file."""


class WorkCrashed(StorageError):
    """What was asked of the store ended with what is no common error: out of memory, an exit, a panic. It is undone."""
