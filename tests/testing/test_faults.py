"""A fault that is set up wrongly says so: it would never happen, and a test with it would show nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from paycools_async.testing import FakePayCools, Fault, ManualClock, Sandbox

WRONG: dict[str, Callable[[Any], None]] = {
    "neither next nor rate": lambda fake: fake.faults.drop_after(),
    "nor of a delay": lambda fake: fake.faults.delay(5.0),
    "nor of an HTTP status": lambda fake: fake.faults.http_status(502),
    "no endpoint": lambda fake: fake.faults.drop_after(next=1, only="ph.payout.creat"),
    "no endpoint, of a refusal": lambda fake: fake.refuse(1006, only="nonsense"),
    "a callback, which nobody asks for": lambda fake: fake.refuse(1006, only="ph.payout.notify"),
    "a rate above 1": lambda fake: fake.faults.garbage(rate=1.5),
    "a rate below 0": lambda fake: fake.faults.garbage(rate=-0.1),
    "a rate that is no number": lambda fake: fake.faults.garbage(rate=math.nan),
    "a rate as text": lambda fake: fake.faults.garbage(rate="0.5"),
    "a count of 0": lambda fake: fake.faults.drop_before(next=0),
    "a count below 0": lambda fake: fake.faults.drop_before(next=-1),
    "a broken count": lambda fake: fake.faults.drop_before(next=1.5),
    "a yes for a count": lambda fake: fake.faults.drop_before(next=True),
    "a delay without an end": lambda fake: fake.faults.delay(math.inf, next=1),
    "a delay back": lambda fake: fake.faults.delay(-1.0, next=1),
    "a code as text": lambda fake: fake.refuse("1006"),
    "no refusal at all": lambda fake: fake.refuse(1006, 0),
    "None refusals": lambda fake: fake.refuse(1006, None),
    "one refusal and a half": lambda fake: fake.refuse(1006, 1.5),
    "success": lambda fake: fake.refuse(1000),
    "success of the Global API": lambda fake: fake.refuse(10000),
    "success of that endpoint": lambda fake: fake.refuse(10000, only="ph.directdebit.payment_create"),
    "busy, and a success": lambda fake: fake.faults.busy(1000, next=1),
    "another kind": lambda fake: fake.faults.add(Fault(kind="fire", rate=1.0)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_fault_that_would_never_happen_is_an_error(fake: FakePayCools, wrong: Callable[[Any], None]) -> None:
    with pytest.raises(ValueError, match=r"^\S.{10,120}$"):
        wrong(fake)
    assert list(fake.faults) == []


def test_an_endpoint_that_is_misspelt_is_named_rightly(fake: FakePayCools) -> None:
    with pytest.raises(ValueError, match=r"^only='ph.payout.creat' is no endpoint's id; is it ph.payout.create[?]$"):
        fake.refuse(1006, only="ph.payout.creat")


def test_what_is_a_success_elsewhere_may_be_a_refusal(fake: FakePayCools) -> None:
    fake.refuse(10000, only="ph.payout.create")
    assert len(list(fake.faults)) == 1


def test_a_rate_of_nothing_is_a_rate(fake: FakePayCools) -> None:
    fake.faults.drop_after(rate=0.0)
    assert fake.faults.next_fault("ph.payout.create") == (None, 0.0)


@pytest.mark.parametrize("seconds", [-1, -math.inf, math.inf, math.nan])
def test_a_clock_is_moved_forward_only(clock: ManualClock, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^advance\(.*\): give seconds from 0 up$"):
        clock.advance(seconds)
    assert clock.monotonic() == 0.0


@pytest.mark.parametrize("wrong", [{"kind": "fire"}, {"kind": "busy", "rate": 2}, {"kind": "busy", "often": 1}])
async def test_a_sandbox_keeps_its_faults_where_the_new_ones_are_wrong(
    fake: FakePayCools, wrong: dict[str, Any]
) -> None:
    fake.faults.busy(next=1)
    async with Sandbox(fake) as sandbox, aiohttp.ClientSession() as http:
        good = {"kind": "drop_after", "rate": 0.5}
        async with http.post(f"{sandbox.base_url}/_sandbox/faults", json=[good, wrong]) as answer:
            assert (answer.status, list(await answer.json())) == (400, ["error"])
    assert [fault.kind for fault in fake.faults] == ["busy"]
