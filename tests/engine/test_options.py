"""Options for one call, or for a second client that shares everything else."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, REFUSED, RESET, SUCCESS, Stage, says

from paycools_async import ConfigurationError, NotFound, OutcomeUnknown, PayCoolsPH, PHCredentials, Retry
from paycools_async.errors import TransportError

NOT_FOUND = says(1008)


async def test_a_call_has_a_time_of_its_own(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        await stage.client.send(ORDER, timeout=7)
        await stage.client.exchange(ORDER, timeout=8)
        await stage.client.call("POST", "/api/v1/new", timeout=9)
        await stage.client.send(ORDER)
    assert [request.timeout for request in stage.sent] == [7, 8, 9, 30]


async def test_a_call_has_a_rule_of_its_own_for_when_it_is_tried_again(key_pem: str) -> None:
    async with Stage(key_pem, REFUSED) as stage:
        for attempts in (1, 2):
            with pytest.raises(TransportError):
                await stage.client.send(ORDER, retry=Retry(attempts=attempts))
            assert len(stage.sent) == attempts
            stage.sent.clear()
        with pytest.raises(TransportError):
            await stage.client.send(ORDER)
        assert len(stage.sent) == 3


async def test_one_deadline_covers_all_attempts_of_the_call(key_pem: str) -> None:
    async with Stage(key_pem, REFUSED) as stage:
        with pytest.raises(TransportError):
            await stage.client.send(ORDER, timeout=1, retry=Retry(attempts=50, first_pause=0.3))
        assert stage.clock.monotonic() < 1
        assert [request.timeout for request in stage.sent] == [1 - at for at in stage.at]


async def test_a_client_with_options_shares_all_but_these(key_pem: str) -> None:
    async with Stage(key_pem, RESET, SUCCESS) as stage:
        quick = stage.client.with_options(timeout=5)
        quicker = quick.with_options(timeout=2, retry=Retry(attempts=1))
        assert (stage.client.timeout, quick.timeout, quicker.timeout) == (30, 5, 2)
        with pytest.raises(OutcomeUnknown):
            await quick.payouts.create(**_fields(ORDER))
        assert [each.order_id for each in stage.client.in_doubt] == ["ORDER0000001"]
        assert quicker.in_doubt == stage.client.in_doubt
        await stage.client.payouts.create(**_fields(ORDER))
        await quicker.payouts.create(**_fields(ORDER))
        assert [request.timeout for request in stage.sent] == [5, 30, 2]
        attempts = {id(client._engine.attempts.pace) for client in (stage.client, quick, quicker)}
        assert len(attempts) == 1
        assert type(quick) is type(stage.client)


async def test_products_used_before_send_by_their_own_client(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        assert stage.client.payouts is stage.client.payouts
        quick = stage.client.with_options(timeout=5)
        await quick.payouts.create(**_fields(ORDER))
        await stage.client.payouts.create(**_fields(ORDER))
        assert [request.timeout for request in stage.sent] == [5, 30]


async def test_closing_a_client_with_options_leaves_the_first_one_open(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        async with stage.client.with_options(timeout=5) as quick:
            await quick.send(ORDER)
        await stage.client.send(ORDER)
        await quick.send(ORDER)


async def test_an_order_is_absent_only_when_the_longest_call_of_all_must_be_over(key_pem: str) -> None:
    async with Stage(key_pem, NOT_FOUND) as stage:
        quick = stage.client.with_options(timeout=1)
        with pytest.raises(NotFound):
            await quick.payouts.resolve(ORDER, absent_after=5)
        assert stage.at[-1] >= 30 + 5
        with pytest.raises(NotFound):
            await stage.client.send(QUERY, timeout=100)
        asked = stage.clock.monotonic()
        with pytest.raises(NotFound):
            await quick.payouts.resolve(ORDER, absent_after=5)
        assert stage.at[-1] - asked >= 100 + 5


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, "5", True])
async def test_what_is_no_time_is_refused_before_anything_is_sent(key_pem: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout: seconds"):
        Stage(key_pem, SUCCESS, timeout=timeout)
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(ConfigurationError, match="timeout: seconds"):
            stage.client.with_options(timeout=timeout)
        with pytest.raises(ConfigurationError, match="timeout: seconds"):
            await stage.client.send(ORDER, timeout=timeout)
        assert stage.sent == []
        assert stage.client.timeout == 30


async def test_calls_with_and_without_options_run_side_by_side(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        await asyncio.gather(*(stage.client.send(ORDER, timeout=each) for each in (None, 5, None, 6)))
        assert sorted(request.timeout or 0 for request in stage.sent) == [5, 6, 30, 30]


def _fields(order: Any) -> dict[str, Any]:
    return {
        name: getattr(order, name)
        for name in ("mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name")
    }


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("retry", 3, r"retry: give it as Retry\(attempts=\.\.\.\), not int"),
        ("pace", 5, "pace: int has no wait_turn"),
        ("clock", 5, "clock: int has no time"),
        ("transport", 5, "transport: int has no send"),
        ("signer", 5, "signer: int has no sign"),
    ],
)
def test_what_is_no_such_part_is_refused_at_once(key_pem: str, name: str, given: Any, said: str) -> None:
    merchant = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key_pem)
    with pytest.raises(ConfigurationError, match=said):
        PayCoolsPH(merchant, **{name: given})


async def test_a_rule_for_retries_that_is_none_is_refused_before_anything_is_sent(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        with pytest.raises(ConfigurationError, match="retry: give it as Retry"):
            stage.client.with_options(retry=3)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="retry: give it as Retry"):
            await stage.client.send(ORDER, retry=3)  # type: ignore[arg-type]
        assert (stage.sent, stage.client.in_doubt) == ([], ())
