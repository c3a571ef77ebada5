"""What is submitted is durable when `submit` returns, and is paid once."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import attrs
import pytest
from durable.conftest import QUICK, Make, inside, order
from support.batch import STORES
from support.forked import in_child

from paycools_async import ConfigurationError, OrderConflict, Outcome, PayCoolsGlobal, PayCoolsPH
from paycools_async.batch import LedgerError, State
from paycools_async.batch.ledger.base import LedgerInUse
from paycools_async.durable import DurablePayouts, UnknownPayout
from paycools_async.global_api import (
    CreateIndonesianPayout,
    CreateMalaysianPayout,
    CreatePhilippinePayout,
    CreateThaiPayout,
)
from paycools_async.testing import FakePayCools, Sandbox

pytestmark = STORES


def paid(fake: FakePayCools) -> list[str]:
    return sorted(payout.order_id for payout in fake.payouts.paid)


async def test_a_payout_is_planned_when_submit_returns_and_settled_by_the_background(
    opened: Any, live: FakePayCools
) -> None:
    payouts: DurablePayouts = await opened()
    planned = await payouts.submit(order())
    assert (planned.order_id, planned.state, planned.final) == ("APP000000001", State.PLANNED, False)
    assert (planned.amount, planned.currency, planned.transaction_id) == (50010, "PHP", None)
    settled = await payouts.wait(planned.order_id, within=60)
    assert (settled.state, settled.final, settled.settled) == (State.SETTLED, True, True)
    assert settled.transaction_id == live.payouts.paid[0].transaction_id
    assert paid(live) == ["APP000000001"]


async def test_what_is_submitted_and_not_sent_is_sent_by_the_next_process(make: Make, live: FakePayCools) -> None:
    async with make() as payouts:
        await inside(payouts).background.stop(1.0)
        await payouts.submit(order())
    assert paid(live) == []
    async with make() as payouts:
        assert (await payouts.wait("APP000000001", within=60)).settled
    assert paid(live) == ["APP000000001"]


async def test_the_same_payout_again_is_the_same_payout_and_is_paid_once(opened: Any, live: FakePayCools) -> None:
    payouts: DurablePayouts = await opened()
    found = await asyncio.gather(*(payouts.submit(order()) for _ in range(20)))
    assert {each.submitted_at for each in found} == {found[0].submitted_at}
    settled = await payouts.wait("APP000000001", within=60)
    assert await payouts.submit(order()) == settled
    assert paid(live) == ["APP000000001"]


@pytest.mark.parametrize("changes", [{"amount": 50011}, {"account_no": "09171234568"}, {"remark": "bonus"}])
async def test_an_order_id_with_other_content_is_a_conflict_and_changes_nothing(
    opened: Any, live: FakePayCools, changes: Any
) -> None:
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    with pytest.raises(OrderConflict, match="other content") as caught:
        await payouts.submit(order(**changes))
    assert (caught.value.outcome, caught.value.order_id) == (Outcome.NOT_SENT, "APP000000001")
    await payouts.wait("APP000000001", within=60)
    assert [(each.order_id, each.amount) for each in live.payouts.paid] == [("APP000000001", 50010)]


async def test_many_at_once_are_each_paid_once_and_listed_in_order(opened: Any, live: FakePayCools) -> None:
    payouts: DurablePayouts = await opened()
    numbers = range(1, 301)
    await asyncio.gather(*(payouts.submit(order(number)) for number in numbers))
    for number in numbers:
        assert (await payouts.wait(f"APP{number:09}", within=60)).settled
    listed = [each.order_id async for each in payouts.list(state="settled")]
    assert listed == paid(live) == [f"APP{number:09}" for number in numbers]
    assert [each async for each in payouts.list(state=State.PLANNED)] == []


async def test_waiting_ends_after_its_time_and_says_that_it_is_not_final(opened: Any, live: FakePayCools) -> None:
    live.payouts.settle_after = 3600
    payouts: DurablePayouts = await opened()
    await payouts.submit(order())
    found = await payouts.wait("APP000000001", within=0.3)
    assert (found.final, found.needs_person) == (False, False)
    with pytest.raises(UnknownPayout, match="APP000000002"):
        await payouts.wait("APP000000002", within=5)
    assert await payouts.get("APP000000002") is None


async def test_what_failed_says_why_and_is_not_paid_by_submitting_it_again(opened: Any, live: FakePayCools) -> None:
    payouts: DurablePayouts = await opened()
    bad = order(account_no="09170000000", remark="x")
    await payouts.submit(bad)
    failed = await payouts.wait("APP000000001", within=60)
    assert (failed.state, failed.final, failed.settled) == (State.FAILED, True, False)
    assert failed.code is not None
    assert failed.reason
    assert (await payouts.submit(bad)).state is State.FAILED


async def test_two_applications_in_one_ledger_do_not_see_each_other(make: Make, live: FakePayCools) -> None:
    async with make(name="loans") as loans:
        await loans.submit(order(1))
        await loans.wait("APP000000001", within=60)
    async with make(name="wages") as wages:
        assert await wages.get("APP000000001") is None
        assert [each async for each in wages.list()] == []
        with pytest.raises(OrderConflict, match="from elsewhere"):
            await wages.submit(order(1))
    assert paid(live) == ["APP000000001"]


async def test_a_request_of_another_kind_is_refused(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    with pytest.raises(TypeError, match="takes CreatePayout, not CreateThaiPayout"):
        await payouts.submit(CreateThaiPayout.__new__(CreateThaiPayout))


async def test_it_is_used_open_and_in_the_loop_and_process_that_opened_it(make: Make) -> None:
    payouts = make()
    with pytest.raises(LedgerError, match="not open"):
        await payouts.submit(order())
    health = await payouts.health()
    assert (health.ok, health.running, health.last_error) == (False, False, "these payouts are not open")
    async with payouts:
        with pytest.raises(LedgerError, match="open already"):
            await payouts.start()

        def elsewhere() -> str:
            with pytest.raises(LedgerError) as caught:
                asyncio.run(payouts.submit(order()))
            return str(caught.value)

        assert "another event loop" in await asyncio.to_thread(elsewhere)
    await payouts.aclose()


@pytest.mark.parametrize("options", [{"name": ""}, {"handlers": 0}, {"poll": 0}, {"country": "ID"}])
async def test_options_that_make_no_sense_are_refused(make: Make, options: Any) -> None:
    with pytest.raises(ConfigurationError):
        make(**options)


async def test_a_file_belongs_to_one_process_and_a_database_to_many(make: Make, store: str, live: FakePayCools) -> None:
    async with make() as one:
        if store == "sqlite":
            with pytest.raises(LedgerInUse):
                await make().start()
            return
        async with make() as other:
            both = [(one, other)[number % 2].submit(order(number // 2)) for number in range(200)]
            await asyncio.gather(*both)
            for number in range(100):
                assert (await one.wait(f"APP{number:09}", within=60)).settled
    assert paid(live) == [f"APP{number:09}" for number in range(100)]


async def test_what_one_process_submits_and_does_not_send_the_other_sends(make: Make, store: str) -> None:
    if store == "sqlite":
        pytest.skip("one process has the file")
    async with make() as one, make() as other:
        await inside(one).background.stop(1.0)
        await one.submit(order())
        assert (await other.wait("APP000000001", within=60)).settled


async def test_over_real_http_with_lost_connections_each_is_paid_once(
    live: FakePayCools, place: str, client: PayCoolsPH
) -> None:
    live.merchant.enforce_unique = False
    live.faults.drop_after(rate=0.2, only="ph.payout.create")
    live.faults.drop_before(rate=0.2, only="ph.payout.create")
    async with (
        Sandbox(live) as sandbox,
        PayCoolsPH(live.ph_credentials, base_url=sandbox.base_url, timeout=1.0) as paycools,
        DurablePayouts(paycools, place, options=attrs.evolve(QUICK, max_resends=9), poll=0.05) as payouts,
    ):
        await asyncio.gather(*(payouts.submit(order(number)) for number in range(40)))
        for number in range(40):
            assert (await payouts.wait(f"APP{number:09}", within=60)).settled
    assert paid(live) == [f"APP{number:09}" for number in range(40)]


_COUNTRIES: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "PH": (CreatePhilippinePayout, "BPI", {"amount": 50010}),
    "ID": (CreateIndonesianPayout, "CIMB", {"amount": 20000, "mobile": "+6281234567890"}),
    "MY": (
        CreateMalaysianPayout,
        "RHBB",
        {"amount": 5005, "account_type": "MOBILE_NUMBER", "account_no": "0112345678"},
    ),
    "TH": (
        CreateThaiPayout,
        "SCB",
        {
            "amount": 10025,
            "account_type": "INDIVIDUAL",
            "account_tax_id": "1101700230705",
            "mobile": "0812345678",
        },
    ),
}


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
@pytest.mark.parametrize("country", _COUNTRIES)
async def test_the_global_api_pays_in_every_country_that_has_payouts(
    live: FakePayCools, place: str, country: str
) -> None:
    request, code, fields = _COUNTRIES[country]
    live.global_payouts.settle_after = 0.02
    payout = request(
        **{
            "mch_order_id": "APP000000001",
            "account_no": "1234567890",
            "account_name": "Juan Cruz",
            "pay_method_code": "BANK",
            "transfer_code": code,
            **fields,
        }
    )
    async with PayCoolsGlobal(live.global_credentials, transport=live.transport()) as paycools:
        with pytest.raises(ConfigurationError, match="the Global API needs country="):
            DurablePayouts(paycools, place)
        async with DurablePayouts(paycools, place, country=country, options=QUICK) as payouts:
            await payouts.submit(payout)
            settled = await payouts.wait("APP000000001", within=60)
    assert (settled.settled, settled.amount, settled.currency) == (True, payout.amount, payouts.currency)
    assert [each.order_id for each in live.global_payouts.paid] == ["APP000000001"]


async def test_in_a_forked_child_it_is_refused_and_closing_it_there_leaves_the_parents(opened: Any) -> None:
    payouts: DurablePayouts = await opened()

    def child() -> list[str]:
        told = []
        for work in (payouts.submit(order()), payouts.aclose()):
            try:
                work.send(None)
            except StopIteration:
                told.append("nothing")
            except LedgerError as error:
                told.append(str(error))
        return told

    refused, closed = in_child(child)
    assert "forked" in refused
    assert closed == "nothing"
    await payouts.submit(order())
    assert (await payouts.wait("APP000000001", within=60)).settled


async def test_a_payout_travels(opened: Any) -> None:
    payouts: DurablePayouts = await opened()
    found = await payouts.submit(order())
    assert pickle.loads(pickle.dumps(found)) == found
    assert "09171234567" not in repr(found)
