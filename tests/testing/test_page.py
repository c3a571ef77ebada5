"""The sandbox's page: what a person sees and does there, and that no other site does anything."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from paycools_async import PayCoolsGlobal, PayCoolsPH
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, Sandbox

CHROMIUM = shutil.which("chromium")
PATHS = {"ph.directdebit.authorize": "/sandbox/authorize"}


@pytest.fixture
async def box(key: PrivateKey) -> AsyncIterator[Sandbox]:
    fake = FakePayCools(private_key=key, global_private_key=key, paths=PATHS)
    _ = fake.ph_credentials, fake.global_credentials
    async with Sandbox(fake) as found:
        yield found


@pytest.fixture
async def http(box: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(box.base_url) as session:
        yield session


@pytest.fixture
async def paycools(box: Sandbox) -> AsyncIterator[PayCoolsPH]:
    async with PayCoolsPH(box.fake.ph_credentials, base_url=box.base_url, paths=PATHS) as client:
        yield client


class Page(HTMLParser):
    """The rows of each table, by its body's id, the forms' hidden fields, and texts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.forms: list[dict[str, str]] = []
        self.texts: dict[str, str] = {}
        self.tags: list[str] = []
        self._body = self._id = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self._id = named.get("id", "")
        if tag == "tbody":
            self._body = self._id
            self.rows[self._body] = []
        elif tag == "tr" and self._body:
            self.rows[self._body].append([])
        elif tag == "td":
            self.rows[self._body][-1].append("")
        elif tag == "form":
            self.forms.append({})
        elif tag == "input" and named.get("type") == "hidden":
            self.forms[-1][named["name"]] = named["value"]

    def handle_endtag(self, tag: str) -> None:
        self._id = ""
        if tag == "tbody":
            self._body = ""

    def handle_data(self, data: str) -> None:
        if self._id:
            self.texts[self._id] = self.texts.get(self._id, "") + data
        if self._body and self.rows[self._body] and self.rows[self._body][-1]:
            self.rows[self._body][-1][-1] += data.strip()


async def shown(http: aiohttp.ClientSession) -> Page:
    async with http.get("/") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        return Page(await answer.text())


async def press(http: aiohttp.ClientSession, box: Sandbox, **form: str) -> Page:
    """What a browser sends when a button of the page is pressed; the page after it."""
    headers = {"Origin": box.base_url, "Sec-Fetch-Site": "same-origin"}
    async with http.post("/", data=form, headers=headers) as answer:
        assert [each.status for each in answer.history] == [303]
        return Page(await answer.text())


async def pay_out(paycools: PayCoolsPH, order_id: str, account: str = "09171234567") -> None:
    await paycools.payouts.create(
        mch_order_id=order_id,
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no=account,
        account_name="Juan Dela Cruz",
    )


# -- what is seen -----------------------------------------------------------------------------------------------------


async def test_it_says_what_it_is_and_shows_the_books(
    http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH
) -> None:
    await pay_out(paycools, "PAY1")
    await pay_out(paycools, "PAY2", "09171230000")
    page = await shown(http)
    assert page.texts["base-url"] == box.base_url
    [ph, other] = page.rows["merchants"]
    assert ph == ["PH API", box.fake.merchant.app_id, "PHP 99,999,999,499.90"]
    assert other[:2] == ["Global API", box.fake.global_merchant.app_id]
    assert "IDR " in other[2]
    assert [row[:4] for row in page.rows["payouts"]] == [
        ["PAY2", "PHP 500.10", "GCASH", "FAILED"],
        ["PAY1", "PHP 500.10", "GCASH", "COMPLETE"],
    ]
    assert (page.rows["payables"], page.rows["waiting"], page.rows["faults"]) == ([["none"]], [["none"]], [["none"]])
    async with http.get("/_sandbox/page.css") as answer:
        assert (answer.status, answer.content_type) == (200, "text/css")


async def test_no_account_and_no_name_stands_there(http: aiohttp.ClientSession, paycools: PayCoolsPH) -> None:
    await pay_out(paycools, "PAY1")
    async with http.get("/") as answer:
        text = await answer.text()
    assert "PAY1" in text
    for secret in ("0917", "917123", "Juan", "sandbox-callback-secret", "PRIVATE KEY"):
        assert secret not in text


async def test_what_stands_in_the_books_is_text_and_no_markup(
    http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH
) -> None:
    evil = "<script>alert(1)</script>\"'&"
    box.fake.faults.busy(next=1)
    next(iter(box.fake.faults)).only = evil
    page = await press(http, box, do="pay", reference=evil, amount="1")
    assert page.texts["message"] == f"Not done: nothing to pay has the reference {evil!r}"
    assert page.rows["faults"][0][3] == evil
    assert "script" not in page.tags


async def make_code(paycools: PayCoolsPH) -> None:
    await paycools.qr.create(
        mch_order_id="QR1", channel_code="QRPH_DYNAMIC_QR", amount=2345, customer_name="Juan Dela Cruz"
    )


# -- what is done -----------------------------------------------------------------------------------------------------


async def test_a_customer_pays_what_waits(http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH) -> None:
    await make_code(paycools)
    page = await shown(http)
    [row] = page.rows["payables"]
    assert row[0] == "QR code"
    assert row[2:] == ["2345", "Pay"]
    [form] = [each for each in page.forms if each.get("reference") == row[1]]
    page = await press(http, box, **form)
    assert page.texts["message"] == f"Paid: 2345 to {row[1]}"
    assert "message" not in (await shown(http)).texts, "it is said once"
    [event] = [body for body in box.fake.merchant.due_callbacks() if b"qrcode.payment.success" in body]
    assert b"QR1" in event


async def test_a_wrong_amount_is_told(http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH) -> None:
    await make_code(paycools)
    [row] = (await shown(http)).rows["payables"]
    page = await press(http, box, do="pay", reference=row[1], amount="5")
    assert page.texts["message"].startswith("Refused: 10")
    page = await press(http, box, do="pay", reference=row[1], amount="five")
    assert page.texts["message"] == "Not done: amount: is no number"
    page = await press(http, box, do="nothing")
    assert page.texts["message"] == "Not done: the page knows no such thing"


async def ask_for_debit(paycools: PayCoolsPH, request_id: str) -> None:
    await paycools.direct_debit.authorize(
        user_id="CUSTOMER1",
        request_id=request_id,
        channel_code="PH_GCASH_DIRECT",
        country_code="PH",
        terminal_type="WEB",
        redirect_url="https://shop.example/back",
        notify_url="https://shop.example/told",
    )


@pytest.mark.parametrize(("answer", "event"), [("yes", b"token.create.success"), ("no", b"token.create.failed")])
async def test_a_customer_authorizes_a_debit(
    http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH, answer: str, event: bytes
) -> None:
    await ask_for_debit(paycools, "REQ1")
    page = await shown(http)
    assert page.rows["waiting"][0][:3] == ["REQ1", "CUSTOMER1", "PH_GCASH_DIRECT"]
    [form] = [each for each in page.forms if each.get("answer") == answer]
    page = await press(http, box, **form)
    assert page.texts["message"] == ("Authorized: REQ1" if answer == "yes" else "Not authorized: REQ1")
    [body] = box.fake.merchant.due_callbacks()
    assert event in body


async def test_a_program_authorizes_too(http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH) -> None:
    await ask_for_debit(paycools, "REQ1")
    async with http.post("/_sandbox/authorize", json={"request_id": "REQ1", "answer": "yes"}) as answer:
        token = (await answer.json())["pay_token"]
    assert token.startswith("TK")
    for body, status in (
        ({"request_id": "REQ2", "answer": "yes"}, 404),
        ({"request_id": "REQ1", "answer": "perhaps"}, 400),
        ({}, 400),
    ):
        async with http.post("/_sandbox/authorize", json=body) as answer:
            assert (answer.status, "error" in await answer.json()) == (status, True)
    async with http.post("/_sandbox/authorize", data=b"no JSON") as answer:
        assert answer.status == 400


NO_FAULT = ({"kind": "busy"}, {"kind": "busy", "next": "1", "only": "ph.payout.creat"})


async def test_faults_are_set_up_and_taken_away(
    http: aiohttp.ClientSession, box: Sandbox, paycools: PayCoolsPH
) -> None:
    page = await press(http, box, do="fault", kind="busy", rate="0", next="1", seconds="0", only="ph.account.balance")
    assert page.rows["faults"] == [["busy", "0", "1", "ph.account.balance"]]
    await paycools.account.balance()  # a read is tried again
    assert (await shown(http)).texts["struck"] == "busy 1"
    assert (await press(http, box, do="clear")).rows["faults"] == [["none"]]
    for wrong in ({"kind": "fire"}, {"kind": "busy", "rate": "2"}, {"kind": "busy", "rate": "nan"}, *NO_FAULT):
        page = await press(http, box, do="fault", **wrong)
        assert page.texts["message"].startswith("Not done: ")
    assert list(box.fake.faults) == []


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
async def test_the_global_api_s_payments_can_be_paid(http: aiohttp.ClientSession, box: Sandbox) -> None:
    async with PayCoolsGlobal(box.fake.global_credentials, base_url=box.base_url) as paycools:
        await paycools.thailand.payments.create(
            mch_order_id="TH1",
            amount=10000,
            channel_code="TRUEMONEY_URL",
            mobile="0812345678",
            redirect_url="https://shop.example/back",
            notify_url="https://shop.example/told",
            customer_name="Somchai Jaidee",
            email="somchai@shop.example",
        )
    page = await shown(http)
    [form] = [each for each in page.forms if each.get("reference") == "TH1"]
    assert (await press(http, box, **form)).texts["message"] == "Paid: 10000 to TH1"


# -- other sites ------------------------------------------------------------------------------------------------------

ACTIONS = [
    ("/", {"data": {"do": "fault", "kind": "busy", "rate": "1", "next": "0", "seconds": "0"}}),
    ("/_sandbox/faults", {"data": b'[{"kind": "busy", "rate": 1.0}]', "headers": {"Content-Type": "text/plain"}}),
    ("/_sandbox/faults", {"json": [{"kind": "busy", "rate": 1.0}]}),
]
OTHERS: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Host": "127.0.0.1.evil.example"},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
@pytest.mark.parametrize(("path", "body"), ACTIONS)
async def test_no_other_site_does_anything(
    http: aiohttp.ClientSession, box: Sandbox, path: str, body: dict[str, Any], other: dict[str, str]
) -> None:
    headers = {**body.get("headers", {}), **other}
    async with http.post(path, **{**body, "headers": headers}) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert list(box.fake.faults) == []


@pytest.mark.parametrize("path", ["/", "/_sandbox/books"])
async def test_no_other_name_leads_there(http: aiohttp.ClientSession, path: str) -> None:
    """A site whose name a name server turns into 127.0.0.1 is its own origin, and may read what comes back."""
    async with http.get(path, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with http.options(path, headers={"Origin": "https://evil.example"}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_form_without_a_browser_is_refused_and_says_what_to_use(http: aiohttp.ClientSession) -> None:
    async with http.post("/", data={"do": "clear"}) as answer:
        assert answer.status == 403
        assert "/_sandbox/faults" in (await answer.json())["error"]


async def test_programs_go_on_as_before(http: aiohttp.ClientSession, box: Sandbox) -> None:
    async with http.post("/_sandbox/faults", json=[{"kind": "busy", "rate": 1.0}]) as answer:
        assert (answer.status, len(list(box.fake.faults))) == (200, 1)


# -- a browser --------------------------------------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
async def test_a_browser_shows_it_with_its_style(box: Sandbox, paycools: PayCoolsPH, tmp_path: Path) -> None:
    import asyncio

    await pay_out(paycools, "PAY1")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path}"]
    command += ["--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom", box.base_url]
    seen = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    assert Page(seen.stdout).rows["payouts"][0][:2] == ["PAY1", "PHP 500.10"]
    assert "Refused to" not in seen.stderr, "the page obeys its own security policy"
