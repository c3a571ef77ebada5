"""The report as one page for people: what was paid, how it went, what failed and what to do about it.

The page stands alone (no script, no font from elsewhere; its one link leads to failures.csv beside it), prints well,
can be read on a phone, and holds no account data. Its markup and its style stand in `templates`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ...money import format_major
from ...times import MANILA
from ..ledger.timeline import PayoutTimeline
from ..run.runner import Summary
from ..states import OPEN, State
from .advice import MEANINGS, advice_for, name_of
from .charts import share_bar, throughput
from .findings import Findings, percentiles
from .templating import markup, render

__all__ = ["html_page"]

_BANNERS = {
    "SANDBOX": "SANDBOX: this is a rehearsal on one machine. No money moved, nobody was paid.",
    "UAT": "TEST SYSTEM (UAT): PayCools' test system. No money moved, nobody was paid.",
}
_PLACES = (
    ("environment", "Environment"),
    ("host", "Host"),
    ("merchant", "Merchant"),
    ("api", "API"),
    ("country", "Country"),
    ("ledger", "Ledger"),
    ("files", "Files"),
)
_PERCENTILES = ("median", "90th percentile", "99th percentile", "slowest")


def html_page(
    summary: Summary,
    currency: str,
    timelines: Iterable[PayoutTimeline] | None,
    *,
    now: float,
    destination: Mapping[str, str] | None = None,
) -> str:
    """The page. `timelines` None: the store does not tell when things happened. `destination`: where the money goes.

    Raises ConfigurationError where Jinja2 is not installed.
    """
    place = destination or {}
    found = Findings()
    for timeline in timelines or ():
        found.add(timeline)
    shown = [state for state in MEANINGS if summary.rows(state)]
    return render(
        "page.html",
        title="Payout report",
        written=f"{datetime.fromtimestamp(now, MANILA):%d %B %Y, %H:%M:%S} Philippine time",
        banner=_banner(place),
        headline=_headline(summary),
        paid=_paid(summary, currency),
        stopped=summary.stopped,
        place=[(name, place[key]) for key, name in _PLACES if place.get(key)],
        bar=markup(share_bar([(state.value, summary.rows(state)) for state in shown])),
        states=[_state(summary, currency, state) for state in shown],
        todo=_todo(summary),
        conflicts=found.conflicts,
        failed=_failed(found, currency),
        times=_times(found),
        percentiles=_PERCENTILES,
        throughput=markup(throughput(found.columns())) if found.sent else "",
        again=_again(found, summary),
    )


def _banner(place: Mapping[str, str]) -> str:
    environment = place.get("environment", "")
    return _BANNERS.get(environment) or (environment if environment.startswith("SANDBOX") else "")


_EVERYTHING = tuple(state for state in State if state is not State.WITHDRAWN)


def _headline(summary: Summary) -> str:
    total, settled = summary.rows(*_EVERYTHING), summary.rows(State.SETTLED)
    return f"All {_count(total)} are settled." if settled == total else f"{settled:,} of {_count(total)} are settled."


def _paid(summary: Summary, currency: str) -> str:
    paid, asked = summary.amount(State.SETTLED), summary.amount(*_EVERYTHING)
    return f"{format_major(paid, currency)} of {format_major(asked, currency)} has been paid."


def _count(rows: int) -> str:
    return f"{rows:,} payout{'' if rows == 1 else 's'}"


def _state(summary: Summary, currency: str, state: State) -> dict[str, str]:
    return {
        "word": state.value,
        "rows": f"{summary.rows(state):,}",
        "amount": format_major(summary.amount(state), currency),
        "meaning": MEANINGS[state],
    }


def _todo(summary: Summary) -> dict[str, Any]:
    """What a person has to do, by how many payouts; what is empty need not be done."""
    rows = {
        "resent": summary.resent,
        "preexisting": summary.rows(State.PREEXISTING),
        "offered": summary.rows(State.OFFERED),
        "conflict": summary.rows(State.CONFLICT),
        "open": summary.rows(*OPEN),
        "failed": summary.rows(State.FAILED),
    }
    return {name: _count(count) if count else "" for name, count in rows.items()} | {"any": any(rows.values())}


def _failed(found: Findings, currency: str) -> list[dict[str, Any]]:
    return [
        {
            "code": "" if code is None else str(code),
            "reason": name_of(code, failures.message, taken=taken),
            "rows": f"{failures.rows:,}",
            "amount": format_major(failures.amount, currency),
            "advice": advice_for(code, taken=taken),
            "orders": failures.orders,
            "more": f"{failures.rows - len(failures.orders):,}" if failures.rows > len(failures.orders) else "",
        }
        for (code, taken), failures in sorted(found.failures.items(), key=lambda item: -item[1].rows)
    ]


def _times(found: Findings) -> list[dict[str, Any]]:
    rows = (
        ("from sending to PayCools' answer", found.answer),
        ("from the answer to the end", found.end),
        ("from sending to the end", found.whole),
    )
    return [{"what": what, "cells": _cells(values)} for what, values in rows if values]


def _again(found: Findings, summary: Summary) -> str:
    proven = max(0, found.again - summary.resent)
    return _count(proven) if proven else ""


def _cells(values: array[float]) -> list[str]:
    return [_duration(value) for value in percentiles(values)]


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
