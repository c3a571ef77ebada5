"""Files of payouts: rows become requests, or faults with their line, column and reason.

`reader` opens a file; `text`, `csv_rows`, `jsonl_rows` and `xlsx` hand out its rows; `header` knows the columns;
`cells` makes a request of a row; `codes` looks at bank and wallet codes. Account data is never repeated in a message.
"""
