"""The pages that are no guide run too, each in the surroundings that it speaks of."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from support.batch import HEADER, rows
from support.doc_pages import PAGES, ROOT, blocks_of, run_page

from paycools_async import CreatePayout, InsufficientBalance, PayCoolsPH
from paycools_async.batch import PHPayouts, SQLiteLedger, State, read_orders
from paycools_async.callbacks.samples import find_event, sample_fields, sign_ph
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock, Sandbox

pytestmark = pytest.mark.process  # they take seconds

RUN_HERE = """
README.md batches.md callbacks.md durable_payouts.md files.md getting_started.md payouts.md products/index.md testing.md
timeouts.md web.md workers.md
""".split()  # noqa: SIM905 - one can read it
RUN_ELSEWHERE = {"networks.md": "tests/runtime/test_page.py", "observability.md": "tests/otel/test_page.py"}
SECRET = "the secret PayCools issued for callbacks"


def test_every_page_with_code_is_run_by_a_test() -> None:
    guides = (ROOT / "tests" / "docs" / "test_guides.py").read_text("utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix().removeprefix("docs/")
        if not list(blocks_of(page)) or name in RUN_HERE:
            continue
        if name in RUN_ELSEWHERE:
            assert page.name in (ROOT / RUN_ELSEWHERE[name]).read_text("utf-8")
        else:
            assert page.parent.name in ("products", "countries") or f'"{page.name}"' in guides, name


def write_file(name: str, order_ids: list[str]) -> None:
    lines = [[order_id, *cells[1:]] for order_id, cells in zip(order_ids, rows(len(order_ids)), strict=True)]
    with Path(name).open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *lines])


@pytest.fixture
def settings(key_pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point `PayCoolsPH.from_env()` at a sandbox, in a folder of its own."""

    def point(base_url: str) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PAYCOOLS_PH_BASE_URL", base_url)
        monkeypatch.setenv("PAYCOOLS_PH_APP_ID", "f90addc4861540ef9312e87d8f360e08")
        monkeypatch.setenv("PAYCOOLS_PH_APP_NAME", "Sandbox Merchant")
        monkeypatch.setenv("PAYCOOLS_PH_PRIVATE_KEY", key_pem)

    return point


@pytest.fixture
def at_once(key: PrivateKey) -> FakePayCools:
    """A fake by the real clock that settles what it takes at once."""
    fake = FakePayCools(private_key=key, balance=10_000_000_000)
    fake.payouts.settle_after = 0.0
    return fake


def paid(fake: FakePayCools) -> list[str]:
    return sorted(payout.order_id for payout in fake.payouts.paid)


@pytest.mark.parametrize(
    ("page", "order_id"), [("../README.md", "SALARY2026110001"), ("getting_started.md", "SALARY2026110002")]
)
async def test_the_first_example_of_a_newcomer_pays(
    page: str, order_id: str, at_once: FakePayCools, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Sandbox(at_once) as sandbox:
        settings(sandbox.base_url)
        await run_page(page)
    assert paid(at_once) == [order_id]
    assert capsys.readouterr().out == "COMPLETE\n"


async def test_batches(
    at_once: FakePayCools, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Sandbox(at_once) as sandbox:
        settings(sandbox.base_url)
        write_file("salaries.csv", ["SALARY1", "SALARY2", "SALARY3"])
        write_file("bonus.csv", ["BONUS1"])
        write_file("bonus2.csv", ["BONUS2", "BONUS3"])
        await run_page("batches.md")
    assert paid(at_once) == ["BONUS1", "SALARY1", "SALARY2", "SALARY3"]
    said = capsys.readouterr().out
    assert "3 150030 PHP\n" in said
    assert "3 paid, 0 failed\n" in said
    assert "bonus.csv: nobody said yes\n()\n" in said
    assert "2 taken back; 0 stay" in said
    written = sorted(path.name for path in Path("report").iterdir())
    assert written == ["failures.csv", "payouts.csv", "report.html", "summary.json"]


async def test_durable_payouts(
    at_once: FakePayCools, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Sandbox(at_once) as sandbox:
        settings(sandbox.base_url)
        async with PayCoolsPH.from_env() as paycools:
            payment = await paycools.web_payments.create(
                mch_order_id="ORDER1001",
                amount=500_10,
                channel_code="GCASH_URL",
                email="maria@example.com",
                mobile="09171234567",
                callback_url="https://shop.example/paycools/callbacks",
                redirect_url="https://shop.example/thanks",
            )
            payment_id = payment.transaction_id
        await at_once.pay(payment_id, 500_10)
        await run_page("durable_payouts.md", payment_id=payment_id)
    assert paid(at_once) == ["LOAN0001", "LOAN0002"]
    assert [(each.refund_id, each.amount) for each in at_once.refunds.by_id.values()] == [("REFUND0001", 200_00)]
    said = capsys.readouterr().out
    assert "REFUND0001 settled\n" in said
    assert "20000 True\n" in said
    assert "LOAN0001 settled True\n" in said
    assert "None\n" in said
    assert "True 0 " in said


async def test_payouts(at_once: FakePayCools, settings: Callable[[str], None]) -> None:
    async with Sandbox(at_once) as sandbox:
        settings(sandbox.base_url)
        shutil.copy(ROOT / "docs" / "examples" / "payouts-500.csv", "salaries.csv")
        async with PayCoolsPH.from_env() as paycools:
            names = await run_page("payouts.md", paycools=paycools)
    assert len(paid(at_once)) == len(set(paid(at_once))) == 500
    assert names["summary"].rows(State.SETTLED) == 500


def signed(name: str, **fields: object) -> bytes:
    endpoint, event = find_event(name)
    return sign_ph(sample_fields(endpoint, event) | fields, SECRET)


async def test_callbacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], paycools: PayCoolsPH
) -> None:
    monkeypatch.chdir(tmp_path)
    write_file("salaries.csv", ["SALARY1"])
    api = PHPayouts(paycools)
    run = await SQLiteLedger.open(Path("salaries.db"), api.identity)
    await run.intake(read_orders(Path("salaries.csv"), CreatePayout, "PHP"), api.text_of)
    app = web.Application()
    names = await run_page("callbacks.md", app=app)
    assert [route.resource.canonical for route in app.router.routes() if route.resource] == ["/paycools/callbacks"]

    event = signed("disbursement.success", mchOrderId="SALARY1", amount=50010, transactionStatus="COMPLETE")
    router, feeding = names["router"], names["feeding"]
    assert (await router.handle(event))[0] == 200
    assert capsys.readouterr().out == "SALARY1 50010 COMPLETE\n"
    assert (await router.handle(event.replace(b"50010", b"50011")))[0] == 400
    for amount, code in ((500_000, 2000), (500_001, 1002)):
        status, body = await router.handle(signed("BillsPaymentVerification", amount=amount))
        assert (status, json.loads(body)["code"]) == (200, code)
    assert (await feeding.handle(event))[0] == 200
    row = await run.get("SALARY1")
    assert row is not None
    assert row.state is State.PREEXISTING  # it was never sent from here
    await names["ledger"].aclose()
    await run.aclose()


async def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write_file("wages.csv", ["W1", "W2", "W3", "W4"])
    with Path("wages.csv").open("a") as file:
        file.write("W5,1e3,EWALLET,GCASH,09171234567,Juan Dela Cruz\n")
    await run_page("files.md")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("6 amount ")
    assert said[1] == "5 rows read from 6 lines"


async def test_products(capsys: pytest.CaptureFixture[str]) -> None:
    names = await run_page("products/index.md")
    assert names["data"]["balance"] == 100_000_000_000_00
    await names["paycools"].aclose()
    await names["paycools_global"].aclose()


async def test_testing(
    fake_paycools: FakePayCools, paycools_ph: PayCoolsPH, paycools_clock: ManualClock, tmp_path: Path
) -> None:
    names = await run_page("testing.md")
    await names["test_a_loan_is_paid_out"](paycools_ph, fake_paycools, paycools_clock, tmp_path)
    fake_paycools.payouts.paid.clear()
    await names["test_an_empty_account_pays_nobody"](paycools_ph, fake_paycools)
    fake_paycools.refuse(1006)
    with pytest.raises(InsufficientBalance):
        await paycools_ph.account.balance()


async def test_timeouts(
    at_once: FakePayCools, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Sandbox(at_once) as sandbox:
        settings(sandbox.base_url)
        async with PayCoolsPH.from_env() as paycools:
            await run_page("../README.md")  # the order that the page begins with
            capsys.readouterr()
            at_once.faults.delay(5.0, next=1, only="ph.payout.create")
            await run_page("timeouts.md", instead={"asyncio.timeout(5)": "asyncio.timeout(2.0)"}, paycools=paycools)
            assert paycools.in_doubt == ()
    assert capsys.readouterr().out == "was it paid?\nCOMPLETE\n"
    assert paid(at_once) == ["SALARY2026110001", "SALARY2026110002"]


async def test_web(paycools_ph: PayCoolsPH, fake_paycools: FakePayCools, capsys: pytest.CaptureFixture[str]) -> None:
    fake_paycools.payouts.settle_after = 0.0
    await paycools_ph.payouts.create(
        mch_order_id="SALARY1",
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    )
    await run_page("web.md", blocks=1, paycools=paycools_ph)  # the others: tests/test_jsonable.py
    assert capsys.readouterr().out == "COMPLETE 50010\n"


@pytest.mark.postgres
async def test_workers(dsn: str) -> None:
    import psycopg

    from paycools_async.batch import PostgresLedger
    from paycools_async.batch.run.worker import prepare_jobs

    roles = [f"paycools_page_{number}" for number in range(3)]
    ledger = await PostgresLedger.open(dsn, None)
    await prepare_jobs(ledger)
    await ledger.aclose()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for role in roles:
            await connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        try:
            instead = dict(zip(('"ana"', '"eva"', '"machine"'), (f'"{role}"' for role in roles), strict=True))
            await run_page("workers.md", instead={"postgresql://owner@db/payouts": dsn, **instead})
            for role, may in zip(roles, ("offer", "release", "run"), strict=True):
                found = await connection.execute(
                    "SELECT has_column_privilege(%s, 'paycools_payouts', 'state', 'UPDATE')", (role,)
                )
                assert await found.fetchone() == (may != "offer",)
        finally:
            for role in roles:
                await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
