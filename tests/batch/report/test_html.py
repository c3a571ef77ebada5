"""The page for people: it says what was paid, how it went and what to do, stands alone and tells on nobody."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.batch import Plan, WriteOrders

from paycools_async.batch import Options, PHPayouts, Runner, SQLiteLedger, State, Summary
from paycools_async.batch.ledger.timeline import PayoutTimeline
from paycools_async.batch.report import templating
from paycools_async.batch.report.advice import advice_for, name_of
from paycools_async.batch.report.charts import TimeColumns, share_bar, throughput
from paycools_async.batch.report.html import html_page
from paycools_async.batch.report.write import write_report
from paycools_async.errors import ConfigurationError
from paycools_async.testing import FakePayCools

NOON = 1_772_424_000.0  # 2026-03-02 12:00:00 in Manila


def timeline(n: int, state: State = State.SETTLED, **changes: Any) -> PayoutTimeline:
    facts: dict[str, Any] = {
        "order_id": f"PAY{n:03}",
        "amount": 50010,
        "state": state,
        "code": None,
        "message": None,
        "transaction_id": f"D{n}",
        "sent": NOON + n,
        "last_sent": NOON + n,
        "accepted": NOON + n + 0.25,
        "final": NOON + n + 2.25,
    }
    return PayoutTimeline(**{**facts, **changes})


def page(
    counts: dict[State, tuple[int, int]], timelines: Iterable[PayoutTimeline] | None, stopped: str | None = None
) -> str:
    return html_page(Summary(counts=counts, stopped=stopped), "PHP", timelines, now=NOON + 60)


def words(text: str) -> str:
    """What a reader sees."""
    found: list[str] = []

    class Reader(HTMLParser):
        skip = False

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.skip = tag in ("style", "title")

        def handle_endtag(self, tag: str) -> None:
            self.skip = False

        def handle_data(self, data: str) -> None:
            if not self.skip and data.strip():
                found.append(data.strip())

    Reader().feed(text)
    return " ".join(found)


def test_when_all_is_settled_there_is_nothing_to_do() -> None:
    text = words(page({State.SETTLED: (20, 1000200)}, [timeline(n) for n in range(20)]))
    assert "All 20 payouts are settled. PHP 10,002.00 of PHP 10,002.00 has been paid." in text
    assert "02 March 2026, 12:01:00 Philippine time" in text
    assert "settled 20 PHP 10,002.00" in text
    assert "What to do" not in text
    assert "What failed" not in text


def test_failures_stand_by_code_with_what_to_do_and_the_first_orders() -> None:
    failed = [timeline(n, State.FAILED, code=-10005, message="Account Error") for n in range(7)]
    refused = [timeline(9, State.FAILED, code=1007, transaction_id=None), timeline(8, State.FAILED)]
    text = words(page({State.FAILED: (9, 450090), State.SETTLED: (1, 50010)}, [timeline(10), *failed, *refused]))
    assert "1 of 10 payouts are settled. PHP 500.10 of PHP 5,001.00 has been paid." in text
    assert (
        "-10005 Account Error 7 PHP 3,500.70 check the account with the recipient; then pay it again under a new order "
        "id PAY000, PAY001, PAY002, PAY003, PAY004, PAY005, PAY006 1007"
    ) in text
    assert "1007 transaction exceed limit 1 PHP 500.10 use a smaller amount" in text
    assert "PayCools gave no reason 1 PHP 500.10 ask PayCools, naming the order ids PAY008" in text
    assert "give each a new order id" in text


def test_a_failed_code_is_never_looked_up_among_the_codes_of_refused_requests() -> None:
    text = words(page({State.FAILED: (1, 50010)}, [timeline(1, State.FAILED, code=1001)]))
    assert "1001 a failure code that is not in PayCools' list 1" in text
    assert "ask PayCools, naming the order ids and the code" in text
    assert "app id" not in text
    refused = words(page({State.FAILED: (1, 50010)}, [timeline(1, State.FAILED, code=1001, transaction_id=None)]))
    assert "merchant appid is invalid" in refused


@pytest.mark.parametrize(("environment", "loud"), [("SANDBOX", True), ("UAT", True), ("PRODUCTION", False)])
def test_a_rehearsal_says_so_across_the_page(environment: str, loud: bool) -> None:
    place = {"environment": environment, "host": "h.example", "merchant": "M<1>", "api": "PH API", "country": "PH"}
    summary = Summary(counts={State.SETTLED: (1, 1)})
    text = html_page(summary, "PHP", [timeline(1)], now=NOON, destination=place)
    assert ("No money moved, nobody was paid" in text) is loud
    assert f"Environment {environment} Host h.example Merchant M<1> API PH API Country PH" in words(text)


def test_what_is_not_paid_by_this_ledger_is_counted_and_explained() -> None:
    counts = {
        State.SETTLED: (2, 2),
        State.WITHDRAWN: (3, 3),
        State.PREEXISTING: (4, 4),
        State.OFFERED: (5, 5),
    }
    text = words(html_page(Summary(counts=counts, resent=1), "PHP", [], now=NOON))
    assert "2 of 11 payouts are settled." in text
    assert "withdrawn 3" in text
    assert (
        "4 payouts: PayCools had the order ids before this ledger sent them, so, as far as it can tell, nobody was"
        in text
    )
    assert "5 payouts: waiting for a yes" in text
    assert "1 payout: sent again, because PayCools did not show them for long" in text


def test_what_is_open_or_in_conflict_says_what_to_do_next() -> None:
    counts = {State.PLANNED: (2, 100020), State.UNKNOWN: (1, 50010), State.CONFLICT: (1, 50010)}
    text = words(page(counts, [timeline(1, State.CONFLICT, final=None)], stopped="merchant <balance> insufficient"))
    assert "The run stopped: merchant <balance> insufficient" in text
    assert "3 payouts are not final: run paycools payouts resume . It never pays twice." in text
    assert "in conflict in PayCools' portal" in text
    assert "The first: PAY001." in text


def test_the_time_taken_is_told_by_share() -> None:
    timelines = [timeline(n, accepted=NOON + n + (n + 1) / 100, final=NOON + n + (n + 1)) for n in range(100)]
    text = words(page({State.SETTLED: (100, 1)}, timelines))
    assert "Time taken by median 90th percentile 99th percentile slowest" in text
    assert "from sending to PayCools' answer 510 ms 910 ms 1.0 s 1.0 s" in text
    assert "from sending to the end 51.0 s 1 min 31 s 1 min 40 s 1 min 40 s" in text


def test_a_store_that_tells_no_times_and_a_batch_that_sent_nothing_have_no_times() -> None:
    nothing: tuple[list[PayoutTimeline] | None, ...] = (None, [])
    for timelines in nothing:
        assert "How fast" not in page({State.PLANNED: (1, 1)}, timelines)


def test_words_from_outside_are_text_and_not_markup() -> None:
    evil = timeline(1, State.FAILED, code=-1, message='<script src="http://x">', order_id="<b>")
    text = page({State.FAILED: (1, 1)}, [evil], stopped="<i>")
    assert "<script" not in text
    assert "<b>" not in text
    assert "<i>" not in text


def test_the_page_needs_nothing_from_elsewhere_and_leads_to_the_failures_beside_it() -> None:
    text = page({State.SETTLED: (3, 1)}, [timeline(n) for n in range(3)])
    assert re.findall(r"https?:|src=|href=|<script|<link|@import|url\(", text) == []
    text = page({State.FAILED: (3, 1)}, [timeline(n, State.FAILED, code=-10005) for n in range(3)])
    assert set(re.findall(r"https?:|src=|href=\S+|<script|<link|@import|url\(", text)) == {
        'href="failures.csv">failures.csv</a>.</p>'
    }


def test_of_many_failures_fifty_orders_are_named_and_the_rest_is_counted() -> None:
    text = words(page({State.FAILED: (1234, 1)}, [timeline(n, State.FAILED, code=-10005) for n in range(1234)]))
    assert "PAY049, and 1,184 more in failures.csv" in text
    assert "PAY050" not in text


def test_a_heading_stays_with_its_chart_in_print_and_a_phone_gets_one_column() -> None:
    text = page({State.SETTLED: (3, 1)}, [timeline(n) for n in range(3)])
    assert re.search(r'<div class="together"><h2>Where the payouts stand</h2><svg', text)
    assert re.search(r'<div class="together"><h2>How fast it went</h2><svg', text)
    assert re.search(r"\.together[^{]*\{ break-inside: avoid; \}", text)
    assert "h2, thead { break-after: avoid; }" in text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    cells = re.findall(r"<td(?: class=\"n\")?( data-label=\"[^\"]+\")?>", text)
    assert cells
    assert all(cells), "on a phone each cell names its column"


def test_without_jinja_a_report_is_one_plain_line_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    templating._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match=r"needs Jinja2: pip install 'paycools-async\[report\]'"):
        page({State.SETTLED: (1, 1)}, [])
    monkeypatch.undo()
    assert "All 1 payout" in page({State.SETTLED: (1, 1)}, [])


def test_the_pictures_are_sound_and_show_the_numbers() -> None:
    columns = TimeColumns(start=int(NOON), seconds=10, sent=[100, 50, 0], final=[0, 0, 150])
    picture = ElementTree.fromstring(throughput(columns))
    titles = [title.text for title in picture.iter("title")]
    assert titles == [
        "12:00:00: 10 sent, 0 final a second",
        "12:00:10: 5 sent, 0 final a second",
        "12:00:20: 0 sent, 15 final a second",
    ]
    assert [text.text for text in picture.iter("text")][-3:] == ["12:00:00", "12:00:10", "12:00:30"]
    heights = [float(bar.get("height", "0")) for bar in picture.iter("rect") if bar.get("class") == "settled"]
    assert heights[-1] == pytest.approx(150 * 15 / 20)
    bar = ElementTree.fromstring(share_bar([("settled", 999_999), ("failed", 1)]))
    assert [part.findtext("title") for part in bar] == ["settled: 999,999 (100.0 %)", "failed: 1 (0.0 %)"]
    assert min(float(part.get("width", "0")) for part in bar) >= 4, "one in a million can still be seen"


def test_a_run_over_days_has_its_days_on_the_axis_and_few_columns() -> None:
    timelines = [timeline(n, sent=NOON + 3600 * n, last_sent=NOON + 3600 * n, final=NOON + 3600 * n) for n in range(48)]
    text = page({State.SETTLED: (48, 1)}, timelines)
    assert text.count("<g><title>") <= 60
    assert "02 Mar 12:00:00" in words(text)


@pytest.mark.parametrize(
    ("code", "name", "advice"),
    [
        (-10001, "beyond a limit", "pay smaller amounts"),
        (-77, "a failure code that is not in PayCools' list", "ask PayCools, naming"),
        (1016, "request ewallet name invalid", "correct the field"),
        (7777, "unlisted code", "ask PayCools"),
        (21013, "request wallet code error", "correct the field"),
        (None, "PayCools gave no reason", "ask PayCools"),
    ],
)
def test_every_code_has_a_name_and_advice(code: int | None, name: str, advice: str) -> None:
    assert name_of(code, "") == name
    assert name_of(code, "in their words") == "in their words"
    assert advice in advice_for(code)


async def test_the_report_of_a_run_has_the_page_and_no_account_data(
    api: PHPayouts, ledger: SQLiteLedger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, tmp_path: Path
) -> None:
    line = ["BAD1", "500.10", "EWALLET", "GCASH", "09171230000", "Maria Secreta"]
    await plan(write_orders(lines=[line, ["GOOD1", *line[1:4], "09171230001", "Maria Secreta"]]))
    await Runner(api, ledger, Options(concurrency=2), clock=fake.clock).run()
    await write_report(ledger, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "1 of 2 payouts are settled." in text
    assert "BAD1" in text
    assert "How fast it went" in text
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["payouts"] == 2
    with (tmp_path / "out" / "failures.csv").open(newline="", encoding="utf-8") as file:
        [failed] = csv.DictReader(file)
    assert (failed["mch_order_id"], failed["line"], failed["amount"], failed["code"]) == (
        "BAD1",
        "2",
        "500.10",
        "-10005",
    )
    assert (failed["reason"], failed["batch"]) == ("Transaction Destination Account Error", "1")
    assert failed["what_to_do"] == advice_for(-10005)
    text += (tmp_path / "out" / "failures.csv").read_text("utf-8")
    for secret in ("Maria", "0917"):
        assert secret not in text


def test_words_of_others_are_short_and_seen_and_no_markup() -> None:
    said = "<script>alert(1)</script>\u202e\x1b[0m" + "x" * 60_000
    lines = [timeline(n, State.FAILED, code=-n, message=said, order_id=said) for n in range(5)]
    text = page({State.FAILED: (5, 250_050)}, lines, stopped=said)
    assert len(text) < 30_000
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
