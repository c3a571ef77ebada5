"""The signing process: the same bytes as here, in order, and nothing left of it when it ends."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from typing import Any

import pytest

from paycools_async import Outcome, PayCoolsPH
from paycools_async.errors import ClientClosed, SigningError
from paycools_async.signing import SigningProcess, signer_for
from paycools_async.testing import FakePayCools, generate_private_key

pytestmark = pytest.mark.process

PAYOUT: dict[str, Any] = {
    "amount": 50_010,
    "pay_method_code": "EWALLET",
    "ewallet_code": "GCASH",
    "account_no": "09171234567",
    "account_name": "Juan Dela Cruz",
}


@pytest.fixture(scope="module")
def key() -> str:
    return generate_private_key()


def pid_of(signer: SigningProcess) -> int:
    pipes: Any = signer._pipes
    pid: int = pipes._process.get_pid()
    return pid


async def test_each_text_gets_its_own_signature_and_the_very_bytes_that_are_made_here(key: str) -> None:
    texts = [f"text {number} {'x' * number * 7}".encode() for number in range(300)]
    here = signer_for(key)
    async with SigningProcess(key) as signer:
        assert await asyncio.gather(*map(signer.sign, texts)) == [here.sign(text) for text in texts]
        assert await signer.sign(b"") == here.sign(b"")


async def test_a_cancelled_call_does_not_shift_the_signatures_of_the_others(key: str) -> None:
    async with SigningProcess(key) as signer:
        calls = [asyncio.ensure_future(signer.sign(str(number).encode())) for number in range(20)]
        await asyncio.sleep(0)
        for call in calls[::3]:
            call.cancel()
        made = await asyncio.gather(*calls, return_exceptions=True)
    here = signer_for(key)
    for number, found in enumerate(made):
        assert (
            isinstance(found, asyncio.CancelledError) if number % 3 == 0 else found == here.sign(str(number).encode())
        )


async def test_when_the_process_is_killed_whoever_waits_and_whoever_comes_is_told_that_nothing_was_sent(
    key: str,
) -> None:
    async with SigningProcess(key) as signer:
        await signer.sign(b"it runs")
        os.kill(pid_of(signer), signal.SIGSTOP)
        waiting = asyncio.ensure_future(signer.sign(b"a"))
        await asyncio.sleep(0)
        os.kill(pid_of(signer), signal.SIGKILL)
        with pytest.raises(SigningError, match="has ended") as caught:
            await waiting
        assert caught.value.outcome is Outcome.NOT_SENT
        with pytest.raises(SigningError, match="has ended"):
            await signer.sign(b"b")


async def test_a_client_pays_with_it_and_is_not_in_doubt_when_it_is_gone(fake: FakePayCools) -> None:
    async with (
        SigningProcess(fake.ph_credentials.private_key) as signer,
        PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock, signer=signer) as paycools,
    ):
        await paycools.payouts.create(mch_order_id="ORDER1", **PAYOUT)
        os.kill(pid_of(signer), signal.SIGKILL)
        with pytest.raises(SigningError) as caught:
            await paycools.payouts.create(mch_order_id="ORDER2", **PAYOUT)
        assert (caught.value.outcome, paycools.in_doubt) == (Outcome.NOT_SENT, ())


async def test_it_ends_with_the_block_and_signs_no_more(key: str) -> None:
    async with SigningProcess(key) as signer:
        await signer.sign(b"it runs")
        pid = pid_of(signer)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ClientClosed):
        await signer.sign(b"a")
    with pytest.raises(SigningError, match="entered once"):
        await signer.__aenter__()


async def test_what_a_terminal_tells_the_whole_group_does_not_end_it(key: str) -> None:
    async with SigningProcess(key) as signer:
        await signer.sign(b"it runs")
        os.kill(pid_of(signer), signal.SIGINT)
        os.kill(pid_of(signer), signal.SIGTERM)
        assert await signer.sign(b"a") == signer_for(key).sign(b"a")


def test_uvloops_pipes_do_as_well(key: str) -> None:
    async def sign() -> bytes:
        async with SigningProcess(key) as signer:
            return await signer.sign(b"a")

    with asyncio.Runner(loop_factory=pytest.importorskip("uvloop").new_event_loop) as runner:
        assert runner.run(sign()) == signer_for(key).sign(b"a")


async def test_it_signs_for_one_loop_and_only_inside_its_block(key: str) -> None:
    with pytest.raises(SigningError, match="async with"):
        await SigningProcess(key).sign(b"a")
    async with SigningProcess(key) as signer:
        with pytest.raises(SigningError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, signer.sign(b"a"))
        assert await signer.sign(b"a")


def test_it_shows_no_key_and_is_not_pickled(key: str) -> None:
    signer = SigningProcess(key)
    assert repr(signer) == "<SigningProcess, a key of 2048 bits>"
    with pytest.raises(TypeError, match="confidential"):
        pickle.dumps(signer)
