"""Orders from a file: CSV, JSON Lines or XLSX, one payout a row, columns named like the request's fields.

Money is `amount` (major units, 500.10) or `amount_minor` (integer). Every row is checked before anything is sent, and
every fault is reported with its line, column and reason. Account data is never repeated in a message. How it is done
stands in `files`.
"""

from .files.found import FileError, Order, RowError
from .files.reader import OrderFile, Reading, read_orders

__all__ = ["FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"]
