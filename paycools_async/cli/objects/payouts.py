"""The objects of `paycools payouts`."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .base import Amount, Place, said

__all__ = [
    "BatchEntryObject",
    "BatchObject",
    "BatchesResult",
    "CheckResult",
    "ColumnObject",
    "ColumnsResult",
    "FailureGroupObject",
    "FailureObject",
    "FailuresResult",
    "FaultObject",
    "FindingObject",
    "LargestObject",
    "MoveObject",
    "PreviewGroupObject",
    "PreviewObject",
    "ReconcileResult",
    "RunResult",
    "ShowResult",
    "StatusResult",
    "TemplateResult",
]


@attrs.frozen(kw_only=True)
class TemplateResult:
    """`payouts template`"""

    file: str = said("the file that was written")
    method: str = said("the way of paying that it is for")
    columns: tuple[str, ...] = said("its columns, in order")


@attrs.frozen(kw_only=True)
class ColumnObject:
    """One column of a payout file."""

    name: str = said("as it stands in a header")
    wire_name: str = said("PayCools' own name, which is taken too")
    required: bool = said("whether every row must have it")
    required_for: tuple[str, ...] = said("the ways of paying whose rows must have it")
    kind: str = said("text, whole number, amount, day, code or choice")
    length: str = said("how long a text is, or the bounds of a number, for people")
    alphabet: str = said("what a text may hold")
    values: tuple[str, ...] = said("the only ones that are taken; empty: others too")
    known: tuple[str, ...] = said("codes that are known here; any other is taken with a warning")
    unit: str = said("the currency of an amount")
    personal: bool = said("whether it says something of a person")
    about: str = said("what else is known of it")
    example: str = said("one that is taken")


@attrs.frozen(kw_only=True)
class ColumnsResult:
    """`payouts columns`"""

    api: str = said("ph or global")
    country: str = said("PH, ID, MY or TH")
    currency: str = said("such as PHP")
    methods: tuple[str, ...] = said("the ways of paying, the usual one first")
    columns: tuple[ColumnObject, ...] = said("those of every row first")


@attrs.frozen(kw_only=True)
class FindingObject:
    """One payout that the two sides do not have alike."""

    mch_order_id: str = said("your order id")
    verdict: str = said("what is wrong; see docs/payouts.md")
    our_amount: str | None = said("as the ledger, or --known, has it, in major units; null: it does not")
    their_amount: str | None = said("as PayCools has it, in major units; null: it does not")
    our_state: str | None = said("the ledger's state; null: no ledger has it")
    their_status: str | None = said("PayCools' status")
    transaction_id: str | None = said("PayCools' id")


@attrs.frozen(kw_only=True)
class ReconcileResult:
    """`payouts reconcile`"""

    day: str = said("yyyy-MM-dd")
    currency: str = said("such as PHP")
    destination: Place = said("whose statement it is, and the ledgers")
    alarm: bool = said("whether PayCools has what no ledger knows of")
    verdicts: Mapping[str, Amount] = said("payouts by verdict")
    findings: tuple[FindingObject, ...] = said("the first twenty of each verdict that is not in order")
    report: str | None = said("reconciliation.csv with every payout, where --report was given")


@attrs.frozen(kw_only=True)
class FaultObject:
    """What is wrong with a row."""

    line: int = said("its line in the file")
    column: str = said("the column, or row")
    reason: str = said("what is wrong; never the value")


@attrs.frozen(kw_only=True)
class CheckResult:
    """`payouts check`"""

    file: str = said("the file's name")
    currency: str = said("such as PHP")
    rows: int = said("rows that were read")
    lines: int = said("lines that were read")
    good: Amount = said("the rows without a fault")
    faults: tuple[FaultObject, ...] = said("at most 10,000")
    more_faults: int = said("how many more there are")
    warnings: tuple[str, ...] = said("what a person should look at before saying yes")
    notes: tuple[str, ...] = said("how the file was read")
    spelled: tuple[str, ...] = said("names that --plain-names spells otherwise")
    same_payment: tuple[tuple[int, int], ...] = said("lines with the same account, name and amount; the first twenty")


@attrs.frozen(kw_only=True)
class FailureGroupObject:
    """Failed payouts with the same code."""

    code: int | None = said("PayCools' code; null: it gave none")
    reason: str = said("PayCools' words, or ours")
    advice: str = said("what to do about it")
    payouts: int = said("how many")
    amount: str = said("their sum in major units")
    amount_minor: int = said("the same in minor units")


@attrs.frozen(kw_only=True)
class StatusResult:
    """`payouts status` and `payouts report`"""

    destination: Place = said("where the money goes")
    currency: str = said("such as PHP")
    batches: tuple[int, ...] = said("the batches that this is about")
    states: Mapping[str, Amount] = said("payouts by state; those without any are left out")
    failures: tuple[FailureGroupObject, ...] = said("what failed, by reason; the most frequent first")
    sent_again: int = said("payouts that were sent again after PayCools did not show them for long")
    paused: str | None = said("why nothing is sent, if a run was stopped")
    offered: tuple[int, ...] = said("batches that wait for a yes")
    report: str | None = said("the folder that a report was written into")


@attrs.frozen(kw_only=True)
class PreviewGroupObject:
    """What goes by one method to one bank or wallet."""

    method: str = said("such as BANK")
    bank: str = said('the code of the bank or wallet; "" where there is none')
    payouts: int = said("how many")
    amount: str = said("their sum in major units")
    amount_minor: int = said("the same in minor units")


@attrs.frozen(kw_only=True)
class LargestObject:
    """One of the five largest payouts."""

    mch_order_id: str = said("your order id")
    line: int = said("its line in the file")
    method: str = said("such as BANK")
    bank: str = said("the code of the bank or wallet")
    amount: str = said("in major units")
    amount_minor: int = said("the same in minor units")


@attrs.frozen(kw_only=True)
class PreviewObject:
    """What a yes would send, or has sent."""

    to_send: Amount = said("what is sent for sure")
    perhaps_again: Amount = said("unclear ones that are sent again if PayCools does not have them")
    by_method_and_bank: tuple[PreviewGroupObject, ...] = said("the largest sum first")
    largest: tuple[LargestObject, ...] = said("the five largest payouts")
    same_payment: int = said("payouts with the same account, name and amount as an earlier one")
    balance: str | None = said("in major units; null: it could not be read")
    balance_after: str | None = said("what is left of it after what is sent for sure")
    by: str = said("who asks")


@attrs.frozen(kw_only=True)
class RunResult:
    """`payouts run`, `release` and `resume`"""

    destination: Place = said("where the money goes")
    currency: str = said("such as PHP")
    batches: tuple[int, ...] = said("the batches that were driven")
    preview: PreviewObject | None = said("what the yes was asked for; null where nothing was left to send")
    dry_run: bool = said("whether it ended before the question, with nothing entered and nothing sent")
    states: Mapping[str, Amount] = said("payouts by state; those without any are left out")
    failures: tuple[FailureGroupObject, ...] = said("what failed, by reason; the most frequent first")
    sent_again: int = said("payouts that were sent again after PayCools did not show them for long")
    stopped: str | None = said("why the run ended early")
    report: str | None = said("the folder that a report was written into")


@attrs.frozen(kw_only=True)
class BatchEntryObject:
    """A line of a batch's log."""

    at: str = said("ISO 8601")
    event: str = said("offer, release, withdraw or adopt")
    by: str = said("who")
    payouts: int = said("how many payouts")
    amount: str = said("their sum in major units")


@attrs.frozen(kw_only=True)
class BatchObject:
    """One batch: the rows of a file that were offered together."""

    batch: int = said("its number")
    file: str = said("the file's name")
    sha256: str = said("of the file's bytes, in hex")
    offered_by: str = said("who offered it")
    offered_at: str = said("ISO 8601")
    offered: Amount = said("as it was offered")
    states: Mapping[str, Amount] = said("as it stands now")
    log: tuple[BatchEntryObject, ...] = said("who did what, oldest first")


@attrs.frozen(kw_only=True)
class BatchesResult:
    """`payouts batches`"""

    destination: Place = said("where the money goes")
    currency: str = said("such as PHP")
    paused: str | None = said("why nothing is sent, if a run was stopped")
    batches: tuple[BatchObject, ...] = said("oldest first")


@attrs.frozen(kw_only=True)
class FailureObject:
    """One payout that failed."""

    mch_order_id: str = said("your order id")
    batch: int = said("its batch")
    line: int = said("its line in the batch's file")
    amount: str = said("in major units")
    amount_minor: int = said("the same in minor units")
    code: int | None = said("PayCools' code")
    reason: str = said("PayCools' words, or ours")
    advice: str = said("what to do about it")
    transaction_id: str | None = said("PayCools' id; null: it was refused at once")
    updated: str = said("ISO 8601")


@attrs.frozen(kw_only=True)
class FailuresResult:
    """`payouts failures`"""

    currency: str = said("such as PHP")
    failed: Amount = said("all of them")
    by_reason: tuple[FailureGroupObject, ...] = said("the most frequent first")
    failures: tuple[FailureObject, ...] = said("each of them, in file order")
    out: str | None = said("the file of --out")
    written: Amount | None = said("what stands in it")
    entered: Mapping[str, str] = said("left out there: order ids, and the new ones that are in the ledger already")
    sent_twice: tuple[str, ...] = said("left out there: order ids that were sent again, so a person has to look first")


@attrs.frozen(kw_only=True)
class MoveObject:
    """Something that happened to a payout."""

    at: str = said("ISO 8601")
    event: str = said("what; see docs/payouts.md")
    state: str = said("the state it has been in since")
    by: str | None = said("who, where a person decided it")
    batch: int = said("in which batch")
    line: int = said("and line")


@attrs.frozen(kw_only=True)
class ShowResult:
    """`payouts show`"""

    destination: Place = said("where the money goes")
    mch_order_id: str = said("your order id")
    state: str = said("where it stands")
    meaning: str = said("the same in words")
    next: str | None = said("what to do; null: nothing")
    batch: int = said("its batch")
    file: str = said("the batch's file")
    line: int = said("its line there")
    currency: str = said("such as PHP")
    amount: str = said("in major units")
    amount_minor: int = said("the same in minor units")
    code: int | None = said("PayCools' code")
    reason: str | None = said("why it failed, or what PayCools last said")
    transaction_id: str | None = said("PayCools' id")
    sent_again: int = said("how often it was sent again after PayCools did not show it")
    updated: str = said("ISO 8601")
    history: tuple[MoveObject, ...] = said("its whole life, oldest first")
