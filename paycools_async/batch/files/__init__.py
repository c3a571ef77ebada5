"""Files of payouts, CSV, JSON Lines or XLSX: one payout a row, columns named like the request's fields.

Money is `amount` (major units, 500.10) or `amount_minor` (integer). Every row is checked before anything is sent, and
every fault is reported with its line, column and reason. Account data is never repeated in a message.

`reader` opens a file; `text`, `csv_rows`, `jsonl_rows` and `xlsx` hand out its rows; `header` knows the columns;
`row_to_request` makes a request of a row; `codes` looks at bank and wallet codes.
"""

from typing import TYPE_CHECKING

from ...lazy import lazily

if TYPE_CHECKING:
    from .reader import OrderFile, Reading, read_orders
    from .results import FileError, Order, RowError
else:  # the process that reads a spreadsheet is to start at once
    _NAMES = {
        "results": ("FileError", "Order", "RowError"),
        "reader": ("OrderFile", "Reading", "read_orders"),
    }
    __getattr__, _ = lazily(__name__, names=_NAMES)

__all__ = ["FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"]
