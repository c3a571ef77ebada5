"""The report as one page for people: what was paid, how it went, what failed and what to do about it.

The page stands alone (no script, no link, no font from elsewhere), prints well, and holds no account data.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape as _escape

import attrs

from ...money import format_major
from ...texts import shown_text
from ...times import MANILA
from ..ledger.timeline import PayoutTimeline
from ..run.runner import Summary
from ..states import OPEN, State
from .advice import advice_for, name_of
from .charts import TimeColumns, share_bar, throughput

__all__ = ["html_page"]


def escape(text: str) -> str:
    """Words that are not ours, in the page: a few hundred characters of them, nothing unseen, no markup."""
    return _escape(shown_text(text))


_SHOWN = (
    (State.SETTLED, "settled", "paid: PayCools says so"),
    (State.FAILED, "failed", "not paid, for good"),
    (State.CONFLICT, "conflict", "PayCools knows the order id otherwise: a human has to look"),
    (
        State.PREEXISTING,
        "preexisting",
        "PayCools had the order id before; as far as it can tell, this ledger paid nobody",
    ),
    (State.ACCEPTED, "accepted", "taken by PayCools, not final"),
    (State.UNKNOWN, "unknown", "sent, answer unclear: PayCools is asked before anything else"),
    (State.SENDING, "sending", "under way when this was written, or when the run was cut off"),
    (State.PLANNED, "planned", "released by a yes, not sent yet"),
    (State.OFFERED, "offered", "waits for somebody's yes; nothing was sent"),
    (State.WITHDRAWN, "withdrawn", "taken back before it was ever sent"),
)
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
_KEPT = 5
_COLUMNS = 60


@attrs.define
class _Failures:
    """Failed payouts with one code."""

    rows: int = 0
    amount: int = 0
    message: str = ""
    orders: list[str] = attrs.field(factory=list)

    def add(self, timeline: PayoutTimeline) -> None:
        self.rows += 1
        self.amount += timeline.amount
        self.message = self.message or timeline.message or ""
        if len(self.orders) < _KEPT:
            self.orders.append(timeline.order_id)


@attrs.define
class _Findings:
    """What the timelines come to. Grows with seconds and codes, plus three numbers a payout."""

    failures: dict[tuple[int | None, bool], _Failures] = attrs.field(factory=dict)
    """By code, and whether PayCools had taken the order: only then it is a `failedCode`."""
    conflicts: list[str] = attrs.field(factory=list)
    sent: Counter[int] = attrs.field(factory=Counter)
    final: Counter[int] = attrs.field(factory=Counter)
    again: int = 0
    answer: array[float] = attrs.field(factory=lambda: array("d"))
    end: array[float] = attrs.field(factory=lambda: array("d"))
    whole: array[float] = attrs.field(factory=lambda: array("d"))

    def add(self, timeline: PayoutTimeline) -> None:
        self.sent[int(timeline.sent)] += 1
        self.again += timeline.last_sent > timeline.sent
        if timeline.accepted is not None:
            self.answer.append(timeline.accepted - timeline.sent)
        if timeline.final is not None:
            self.final[int(timeline.final)] += 1
            self.whole.append(timeline.final - timeline.sent)
            if timeline.accepted is not None:
                self.end.append(timeline.final - timeline.accepted)
        if timeline.state is State.FAILED:
            key = timeline.code, bool(timeline.transaction_id)
            self.failures.setdefault(key, _Failures()).add(timeline)
        elif timeline.state is State.CONFLICT and len(self.conflicts) < _KEPT:
            self.conflicts.append(timeline.order_id)


def html_page(
    summary: Summary,
    currency: str,
    timelines: Iterable[PayoutTimeline] | None,
    *,
    now: float,
    destination: Mapping[str, str] | None = None,
) -> str:
    """The page. `timelines` None: the store does not tell when things happened. `destination`: where the money goes."""
    place = destination or {}
    found = _Findings()
    for timeline in timelines or ():
        found.add(timeline)
    parts = [
        _headline(summary, currency),
        _place(place),
        _states(summary, currency),
        _todo(summary, found),
        _failed(found, currency),
        _times(found, summary) if timelines is not None else "",
    ]
    written = datetime.fromtimestamp(now, MANILA)
    return _PAGE.format(
        title="Payout report",
        written=f"{written:%d %B %Y, %H:%M:%S} Philippine time",
        style=_STYLE,
        banner=_banner(place),
        body="\n".join(part for part in parts if part),
    )


def _banner(place: Mapping[str, str]) -> str:
    environment = place.get("environment", "")
    banner = _BANNERS.get(environment) or (escape(environment) if environment.startswith("SANDBOX") else "")
    return f'<p class="banner">{banner}</p>' if banner else ""


def _place(place: Mapping[str, str]) -> str:
    lines = "".join(f"<tr><th>{name}</th><td>{escape(place[key])}</td></tr>" for key, name in _PLACES if place.get(key))
    return f'<h2>Where the money goes</h2><table class="place">{lines}</table>' if lines else ""


def _headline(summary: Summary, currency: str) -> str:
    everything = tuple(state for state in State if state is not State.WITHDRAWN)
    total, settled = summary.rows(*everything), summary.rows(State.SETTLED)
    if settled == total:
        headline = f"All {_count(total)} are settled."
    else:
        headline = f"{settled:,} of {_count(total)} are settled."
    paid = format_major(summary.amount(State.SETTLED), currency)
    asked = format_major(summary.amount(*everything), currency)
    stopped = f'<p class="stopped">The run stopped: {escape(summary.stopped)}</p>' if summary.stopped else ""
    return f'<p class="headline">{headline}</p><p>{paid} of {asked} has been paid.</p>{stopped}'


def _count(rows: int) -> str:
    return f"{rows:,} payout{'' if rows == 1 else 's'}"


def _states(summary: Summary, currency: str) -> str:
    shown = [(state, word, meaning) for state, word, meaning in _SHOWN if summary.rows(state)]
    bar = share_bar([(word, summary.rows(state)) for state, word, _ in shown])
    lines = "".join(
        f'<tr><td><span class="dot {word}"></span>{word}</td><td class="n">{summary.rows(state):,}</td>'
        f'<td class="n">{format_major(summary.amount(state), currency)}</td><td>{meaning}</td></tr>'
        for state, word, meaning in shown
    )
    head = '<tr><th>State</th><th class="n">Payouts</th><th class="n">Amount</th><th>Meaning</th></tr>'
    return f"<h2>Where the payouts stand</h2>{bar}<table><thead>{head}</thead><tbody>{lines}</tbody></table>"


def _todo(summary: Summary, found: _Findings) -> str:
    steps = []
    if summary.resent:
        steps.append(
            f"{_count(summary.resent)}: sent again, because PayCools did not show them for long: look in PayCools' "
            "portal that nobody was paid twice (column resends of payouts.csv)."
        )
    if summary.rows(State.PREEXISTING):
        steps.append(
            f"{_count(summary.rows(State.PREEXISTING))}: PayCools had the order ids before this ledger sent them, so, "
            "as far as it can tell, nobody was paid by this ledger. Compare; then <code>paycools payouts resume "
            "--adopt</code>, or, only where it was another payment, pay under new order ids."
        )
    if summary.rows(State.OFFERED):
        steps.append(
            f"{_count(summary.rows(State.OFFERED))}: waiting for a yes; <code>paycools payouts release</code>, or "
            "<code>paycools payouts withdraw</code>."
        )
    if summary.rows(State.CONFLICT):
        orders = ", ".join(map(escape, found.conflicts))
        which = f" The first: {orders}." if orders else ""
        steps.append(
            f"Look up the {_count(summary.rows(State.CONFLICT))} in conflict in PayCools' portal; nothing is sent for "
            f"them any more.{which}"
        )
    if summary.rows(*OPEN):
        steps.append(
            f"{_count(summary.rows(*OPEN))} are not final: run <code>paycools payouts resume</code>. "
            "It never pays twice."
        )
    if summary.rows(State.FAILED):
        steps.append(
            "Failed payouts are not paid again by themselves. Correct the rows and give each a new order id; "
            "the reasons are below."
        )
    if not steps:
        return ""
    return "<h2>What to do</h2><ul>" + "".join(f"<li>{step}</li>" for step in steps) + "</ul>"


def _failed(found: _Findings, currency: str) -> str:
    if not found.failures:
        return ""
    lines = []
    for (code, taken), failures in sorted(found.failures.items(), key=lambda item: -item[1].rows):
        orders = ", ".join(map(escape, failures.orders)) + (", ..." if failures.rows > len(failures.orders) else "")
        lines.append(
            f'<tr><td class="n">{"" if code is None else code}</td>'
            f"<td>{escape(name_of(code, failures.message, taken=taken))}</td>"
            f'<td class="n">{failures.rows:,}</td><td class="n">{format_major(failures.amount, currency)}</td>'
            f'<td>{escape(advice_for(code, taken=taken))}<div class="orders">{orders}</div></td></tr>'
        )
    head = (
        '<tr><th class="n">Code</th><th>Reason</th><th class="n">Payouts</th><th class="n">Amount</th>'
        "<th>What to do, and for which orders</th></tr>"
    )
    return f"<h2>What failed</h2><table><thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"


def _times(found: _Findings, summary: Summary) -> str:
    if not found.sent:
        return ""
    rows = (
        ("from sending to PayCools' answer", found.answer),
        ("from the answer to the end", found.end),
        ("from sending to the end", found.whole),
    )
    lines = "".join(f"<tr><td>{what}</td>{_cells(values)}</tr>" for what, values in rows if values)
    proven = max(0, found.again - summary.resent)
    again = f"<p>{_count(proven)} left more than once, after proof that nothing was done.</p>" if proven else ""
    head = "<tr><th>Time taken by</th>" + "".join(
        f'<th class="n">{share}</th>' for share in ("half", "90 %", "99 %", "the slowest")
    )
    return (
        f"<h2>How fast it went</h2>{throughput(_columns(found))}"
        f"<table><thead>{head}</tr></thead><tbody>{lines}</tbody></table>{again}"
    )


def _columns(found: _Findings) -> TimeColumns:
    """Sent and final payouts by time, in at most sixty columns of whole seconds."""
    start = min(found.sent)
    end = max(max(found.sent), max(found.final, default=start)) + 1
    width = -(-(end - start) // _COLUMNS)
    count = -(-(end - start) // width)
    sent, final = [0] * count, [0] * count
    for series, into in ((found.sent, sent), (found.final, final)):
        for second, rows in series.items():
            into[(second - start) // width] += rows
    return TimeColumns(start=start, seconds=width, sent=sent, final=final)


def _quantiles(values: array[float]) -> list[float]:
    ordered = sorted(values)
    last = len(ordered) - 1
    return [ordered[min(last, int(share * len(ordered)))] for share in (0.5, 0.9, 0.99, 1.0)]


def _cells(values: array[float]) -> str:
    return "".join(f'<td class="n">{_duration(value)}</td>' for value in _quantiles(values))


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #1d2733; background: #f4f6f8;
  margin: 0; }
main { max-width: 60rem; margin: 2rem auto; padding: 2rem 2.5rem; background: #fff; border: 1px solid #dde3e9;
  border-radius: 8px; }
h1 { font-size: 1.15rem; margin: 0; font-weight: 600; color: #51606f; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
p { margin: .3rem 0; }
.headline { font-size: 1.9rem; font-weight: 650; line-height: 1.25; margin: 1.2rem 0 .2rem; }
.written, .orders { color: #6a7886; font-size: .87rem; }
.orders { overflow-wrap: anywhere; }
.stopped { border-left: 4px solid #b3261e; padding: .4rem .8rem; background: #fdf1f0; margin-top: .8rem; }
table { border-collapse: collapse; width: 100%; margin-top: .7rem; }
th { text-align: left; font-weight: 600; color: #51606f; font-size: .87rem; border-bottom: 2px solid #dde3e9; }
th, td { padding: .4rem .7rem .4rem 0; vertical-align: top; }
td { border-bottom: 1px solid #e9edf1; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 1.4rem; }
code { background: #eef1f4; padding: .1rem .3rem; border-radius: 3px; }
li { margin: .3rem 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #51606f; }
.dot { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .55em; }
.settled { background: #1f8a5b; fill: #1f8a5b; } .failed { background: #b3261e; fill: #b3261e; }
.conflict { background: #7b3fa0; fill: #7b3fa0; } .accepted { background: #3b7dd8; fill: #3b7dd8; }
.unknown { background: #d98a00; fill: #d98a00; } .sending { background: #7fb2f0; fill: #7fb2f0; }
.planned { background: #b6c1cc; fill: #b6c1cc; } .preexisting { background: #8a6d3b; fill: #8a6d3b; }
.offered { background: #d5dbe1; fill: #d5dbe1; } .withdrawn { background: #51606f; fill: #51606f; }
.banner { background: #ffd400; color: #1d2733; font-size: 2rem; font-weight: 750; line-height: 1.3; text-align: center;
  padding: 1.2rem 1rem; margin: 0; border-top: 6px solid #1d2733; border-bottom: 6px solid #1d2733;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.place th { width: 9rem; border-bottom: 1px solid #e9edf1; } .place td { overflow-wrap: anywhere; }
@media print { body { background: #fff; } main { border: 0; margin: 0; } }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{banner}
<main>
<h1>{title}</h1>
<p class="written">{written}</p>
{body}
</main>
</body>
</html>
"""
