"""What is measured against the stub: the SDK, the same by hand, the floor, the batch, and the SDK's own share."""

from __future__ import annotations

import base64
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import attrs

from paycools_async import PayCoolsPH, PHCredentials
from paycools_async.batch import Options, Order, PHPayouts, Runner, SQLiteLedger, State
from paycools_async.ph.payout import CreatePayout
from paycools_async.signing import AsyncSigner, Signer
from paycools_async.signing.openssl import OpenSSLSigner
from paycools_async.signing.pycryptodome import PycryptodomeSigner
from paycools_async.transports import HttpRequest, HttpResponse, MemoryTransport, Transport

from .handwritten import CryptographyMerchant, PycryptodomeMerchant
from .measure import Pay, Round, watching_lag
from .stub import AMOUNT, RECEIPT

__all__ = ["CASES", "Bench", "Case", "both_calls", "overhead", "run_batch"]

APP_NAME = "Benchmark Merchant"


@attrs.frozen(kw_only=True)
class Bench:
    """What all cases share: the stub's address, the key, and how many payouts are in flight at a time."""

    url: str
    pem: str = attrs.field(repr=False)
    credentials: PHCredentials
    concurrency: int = 100

    @classmethod
    def to(cls, url: str, pem: str, concurrency: int = 100) -> Bench:
        credentials = PHCredentials(app_id="benchmark", app_name=APP_NAME, private_key=pem)
        return cls(url=url, pem=pem, credentials=credentials, concurrency=concurrency)

    def client(self, signer: Signer | AsyncSigner | None = None, transport: Transport | None = None) -> PayCoolsPH:
        return PayCoolsPH(
            self.credentials,
            base_url=self.url,
            signer=signer,
            transport=transport,
            max_connections=self.concurrency,
        )

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.concurrency))


@attrs.frozen
class Case:
    """A way to make a payout; `open` prepares it."""

    id: str
    what: str
    open: Callable[[Bench], AbstractAsyncContextManager[Pay]]


def _payout(client: PayCoolsPH) -> Pay:
    def pay(order_id: str) -> Awaitable[object]:
        return client.payouts.create(
            mch_order_id=order_id,
            amount=AMOUNT,
            pay_method_code="EWALLET",
            ewallet_code="GCASH",
            account_no="09171234567",
            account_name="Juan Dela Cruz",
            remark="benchmark",
        )

    return pay


@contextlib.asynccontextmanager
async def _sdk_pycryptodome(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.client(PycryptodomeSigner(bench.credentials.private_key)) as client:
        yield _payout(client)


@contextlib.asynccontextmanager
async def _sdk_cryptography(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.client(OpenSSLSigner(bench.credentials.private_key)) as client:
        yield _payout(client)


@contextlib.asynccontextmanager
async def _hand_pycryptodome(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.session() as session:
        merchant = PycryptodomeMerchant(session, bench.url, "benchmark", APP_NAME, bench.pem)
        yield lambda order_id: merchant.create_payout(order_id, AMOUNT)


@contextlib.asynccontextmanager
async def _hand_cryptography(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.session() as session:
        merchant = CryptographyMerchant(session, bench.url, "benchmark", APP_NAME, bench.pem)
        yield lambda order_id: merchant.create_payout(order_id, AMOUNT)


def _floor(signer_class: Callable[..., Signer]) -> Callable[[Bench], AbstractAsyncContextManager[Pay]]:
    """One signature on the loop and one bare POST: nothing that pays can be less."""

    @contextlib.asynccontextmanager
    async def open_(bench: Bench) -> AsyncIterator[Pay]:
        signer = signer_class(bench.credentials.private_key)
        async with bench.session() as session:

            async def pay(order_id: str) -> None:
                sign = base64.b64encode(signer.sign(order_id.encode())).decode()
                async with session.post(bench.url, json={"mchOrderId": order_id, "sign": sign}) as response:
                    await response.read()

            yield pay

    return open_


@contextlib.asynccontextmanager
async def both_calls(bench: Bench) -> AsyncIterator[Pay]:
    """The batch's calls without its ledger: create the payout, then inquire."""
    async with bench.client() as client:
        create = _payout(client)

        async def pay(order_id: str) -> None:
            await create(order_id)
            await client.payouts.query(mch_order_id=order_id)

        yield pay


CASES = (
    Case("sdk_cryptography", "SDK, cryptography", _sdk_cryptography),
    Case("sdk_pycryptodome", "SDK, pycryptodome", _sdk_pycryptodome),
    Case("hand_cryptography", "by hand, cryptography on the loop", _hand_cryptography),
    Case("hand_pycryptodome", "by hand, pycryptodome on the loop", _hand_pycryptodome),
    Case("floor_cryptography", "floor: one cryptography signature, one POST", _floor(OpenSSLSigner)),
    Case("floor_pycryptodome", "floor: one pycryptodome signature, one POST", _floor(PycryptodomeSigner)),
)


class _NullSigner:
    async def sign(self, text: bytes) -> bytes:
        return b"\0" * 256


async def overhead(bench: Bench, calls: int) -> float:
    """Microseconds of one payout without signing and network: checks, text to sign, JSON both ways, typed result."""
    answer = HttpResponse(200, {"Content-Type": "application/json"}, RECEIPT)

    def handler(_request: HttpRequest) -> HttpResponse:
        return answer

    async with bench.client(_NullSigner(), MemoryTransport(handler)) as client:
        pay = _payout(client)
        await pay("BENCH0000000000")
        started = time.perf_counter()
        for number in range(calls):
            await pay(f"BENCH{number:010d}")
        return (time.perf_counter() - started) / calls * 1e6


def _orders(rows: int) -> Iterable[Order]:
    for line in range(2, rows + 2):
        request = CreatePayout(
            mch_order_id=f"BATCH{line:010d}",
            amount=AMOUNT,
            pay_method_code="EWALLET",
            ewallet_code="GCASH",
            account_no="09171234567",
            account_name="Juan Dela Cruz",
            remark="benchmark",
        )
        yield Order(line, request)


async def run_batch(bench: Bench, rows: int) -> Round:
    """The batch runner over a fresh ledger in a temporary folder. The time is the run's, without reading the orders."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench.client() as client:
            api = PHPayouts(client)
            ledger = await SQLiteLedger.open(Path(folder, "ledger.db"), api.identity)
            try:
                await ledger.intake(_orders(rows), api.text_of)
                # the pause before the first inquiry would add its second to every batch, whatever the size
                runner = Runner(api, ledger, Options(concurrency=bench.concurrency, first_look=0.0))
                async with watching_lag() as lag:
                    started, cpu = time.perf_counter(), time.process_time()
                    summary = await runner.run()
                    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            finally:
                await ledger.aclose()
    settled = summary.rows(State.SETTLED)
    if settled != rows:
        raise RuntimeError(f"only {settled} of {rows} rows were settled: {summary.stopped}")
    return Round(rows, seconds, cpu, lag.ticks)
