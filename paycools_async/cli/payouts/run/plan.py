"""What a run was asked to do."""

from __future__ import annotations

from pathlib import Path

import attrs

from ....batch import LedgerError, Options, Reading
from ....errors import ConfigurationError
from ....money import format_major, to_minor
from ...console import given

__all__ = ["Plan", "whoami"]


@attrs.frozen(kw_only=True)
class Plan:
    """What a run was asked to do. `file`: pay it; without one, go on with `batches` of the ledger."""

    file: Path | None
    country: str | None
    """The Global API's; None pays through the PH API."""
    ledger: str
    sandbox: bool
    options: Options
    yes: bool
    by: str
    report: Path | None
    ignore_balance: bool
    batches: tuple[int, ...] = ()
    offer: bool = False
    """Enter the file and send nothing: another person releases it."""
    release: int | None = None
    """The batch that waits for this yes."""
    adopt: bool = False
    recover: bool = False
    expect_count: int | None = None
    expect_total: str | None = None
    reading: Reading = attrs.field(factory=Reading)
    """How the file is to be read."""
    timeout: float = 30.0
    lease_margin: float | None = None
    dry_run: bool = False
    """Show what a yes would send, and end."""
    as_json: bool = False
    detach: bool = False
    """Leave the sending to workers."""

    def check_expected(self, rows: int, amount: int, currency: str) -> None:
        """What the person counted beforehand has to hold. Raises LedgerError where it does not."""
        if self.expect_count is not None and rows != self.expect_count:
            raise LedgerError(f"--expect-count {self.expect_count}: there are {rows} payouts; nothing was sent")
        if self.expect_total is None:
            return
        try:
            expected = to_minor(self.expect_total, currency)
        except ValueError as error:
            raise ConfigurationError(f"--expect-total {given(self.expect_total)}: {error}; nothing was sent") from None
        if amount != expected:
            total = format_major(amount, currency)
            raise LedgerError(f"--expect-total {self.expect_total}: they come to {total}; nothing was sent")


def whoami() -> str:
    """user@host, for the ledger's log."""
    from ....batch.facade import whoami as found  # with all that pays, which who checks a file need not wait for

    return found()
