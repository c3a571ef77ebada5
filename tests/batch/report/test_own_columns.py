"""A file's own columns, those whose names begin with `_`, come back in the report; nothing is compared by them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.batch import STORES, rows

from paycools_async import CreatePayout
from paycools_async.batch import Ledger, Order, PHPayouts
from paycools_async.batch.ledger.payload import BesideNames
from paycools_async.batch.report.write import write_report

OURS = 17
"""Columns that every report has."""


def orders(api: PHPayouts, count: int, *beside: dict[str, str] | None) -> list[Order]:
    made = []
    for number, (order_id, _, method, wallet, account, name) in enumerate(rows(count)):
        request = CreatePayout(
            mch_order_id=order_id,
            amount=50_010,
            pay_method_code=method,  # type: ignore[arg-type]
            ewallet_code=wallet,
            account_no=account,
            account_name=name,
        )
        made.append(Order(number + 2, request, beside[number]))
    return made


async def written(ledger: Ledger, folder: Path, **options: Any) -> list[list[str]]:
    await write_report(ledger, folder, **options)
    with (folder / "payouts.csv").open(newline="", encoding="utf-8") as file:
        return [line[OURS:] for line in csv.reader(file)]


@STORES
async def test_they_stand_behind_ours_and_are_no_formula(ledger: Ledger, api: PHPayouts, tmp_path: Path) -> None:
    kept: tuple[Any, ...] = ({"_dept": "Sales", "_note": "=1+1"}, None, {"_dept": "-5\0\ud800"})
    await ledger.intake(orders(api, 3, *kept), api.text_of)
    found = await written(ledger, tmp_path)
    assert found == [["_dept", "_note"], ["Sales", "'=1+1"], ["", ""], ["'-5??", ""]]
    [batch] = await ledger.batches()
    assert batch.beside == ("_dept", "_note")


@STORES
async def test_they_come_back_whole(ledger: Ledger, api: PHPayouts, tmp_path: Path) -> None:
    kept = {
        "_long": "x" * 5_000,
        "_lines": "a\nb\tc",
        "_heart": "\u2764\ufe0f",
        "_joined": "a\u200db",
        "_edges": " a\u00a0",
    }
    await ledger.intake(orders(api, 1, kept), api.text_of)
    assert await written(ledger, tmp_path) == [list(kept), list(kept.values())]
    await ledger.withdraw(by="ana")
    await ledger.intake(orders(api, 1, {"_escape": "a\x1b[2Jb\x9b"}), api.text_of)
    assert "a?[2Jb?" in (await written(ledger, tmp_path))[-1], "but for what moves a cursor"


@STORES
async def test_the_first_offering_counts_until_the_row_is_offered_anew(
    ledger: Ledger, api: PHPayouts, tmp_path: Path
) -> None:
    await ledger.intake(orders(api, 1, {"_dept": "Sales"}), api.text_of)
    again = await ledger.intake(orders(api, 1, {"_dept": "IT", "_new": "x"}), api.text_of)
    assert (again.new, again.known, again.errors) == (0, 1, []), "they are no part of what a row is"
    assert await written(ledger, tmp_path) == [["_dept"], ["Sales"]]
    await ledger.withdraw(by="ana")
    anew = await ledger.intake(orders(api, 1, {"_dept": "IT", "_new": "x"}), api.text_of)
    assert anew.new == 1
    assert await written(ledger, tmp_path) == [["_dept", "_new"], ["Sales", ""], ["IT", "x"]]
    assert await written(ledger.of_batches([2]), tmp_path, batches=[2]) == [["_dept", "_new"], ["IT", "x"]]


@STORES
async def test_a_ledger_without_them_has_the_columns_it_always_had(
    ledger: Ledger, api: PHPayouts, tmp_path: Path
) -> None:
    await ledger.intake(orders(api, 1, None), api.text_of)
    assert await written(ledger, tmp_path) == [[], []]


@STORES
async def test_so_many_names_that_they_are_no_columns_are_a_fault(
    ledger: Ledger, api: PHPayouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BesideNames, "most", 2)
    found = await ledger.intake(orders(api, 4, {"_a": "1"}, {"_b": "2"}, {"_c": "3"}, {"_d": "4"}), api.text_of)
    assert [str(error) for error in found.errors] == [
        f"line {line}, row: there are more than 2 columns that begin with _" for line in (4, 5)
    ]
    assert await ledger.counts() == {}


@STORES
async def test_a_run_reads_the_row_without_them(ledger: Ledger, api: PHPayouts) -> None:
    """They may be long, and a row is read five times; so they make no difference between two readings of it."""
    await ledger.intake(orders(api, 1, {"_dept": "Sales"}), api.text_of)
    [row] = [row async for page in ledger.pages() for row in page]
    read = await ledger.get(row.order_id)
    assert read is not None
    assert (read.beside, row.beside) == (None, '{"_dept": "Sales"}')
    assert read == row == attrs.evolve(row, beside=None)
    assert "Sales" not in repr(row)
