"""The ways to make a payout, for both APIs: the SDK, the same by hand, and the floor."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import attrs

from paycools_async import GlobalCredentials, PayCoolsGlobal, PayCoolsPH, PHCredentials
from paycools_async.signing import AsyncSigner, PrivateKey, Signer
from paycools_async.signing.openssl import OpenSSLSigner
from paycools_async.signing.pycryptodome import PycryptodomeSigner
from paycools_async.transports import Transport

from .by_hand import HandwrittenGlobal, HandwrittenPH, Sign, with_cryptography, with_pycryptodome
from .measure import Pay
from .stub import AMOUNT, IDR_AMOUNT

__all__ = [
    "CASES",
    "FAMILIES",
    "GLOBAL_FIELDS",
    "PH_FIELDS",
    "Bench",
    "Case",
    "both_calls",
    "case",
    "floor_fields",
    "global_payout",
    "ph_payout",
    "sdk",
]

APP_ID, APP_NAME = "benchmark", "Benchmark Merchant"
FAMILIES = {"ph": "PH", "global": "Global"}
PH_FIELDS: dict[str, Any] = {
    "amount": AMOUNT,
    "pay_method_code": "EWALLET",
    "ewallet_code": "GCASH",
    "account_no": "09171234567",
    "account_name": "Juan Dela Cruz",
    "remark": "benchmark",
}
"""Of every PH payout here, but for the order id."""
GLOBAL_FIELDS: dict[str, Any] = {
    "amount": IDR_AMOUNT,
    "account_no": "109594480004",
    "account_name": "Budi Santoso",
    "mobile": "081234567890",
    "pay_method_code": "BANK",
    "transfer_code": "CIMB",
    "remark": "benchmark",
}
"""Of every Global payout here, likewise."""


@attrs.frozen(kw_only=True)
class Bench:
    """What all cases share: the stub's address, the key, and how many payouts are in flight at a time."""

    url: str
    pem: str = attrs.field(repr=False)
    concurrency: int = 100
    key: PrivateKey = attrs.field(init=False, repr=False)

    @key.default
    def _load(self) -> PrivateKey:
        return self._ph_credentials().private_key

    def _ph_credentials(self) -> PHCredentials:
        return PHCredentials(app_id=APP_ID, app_name=APP_NAME, private_key=self.pem)

    def client(self, signer: Signer | AsyncSigner | None = None, transport: Transport | None = None) -> PayCoolsPH:
        return PayCoolsPH(
            self._ph_credentials(),
            base_url=self.url,
            signer=signer,
            transport=transport,
            max_connections=self.concurrency,
        )

    def global_client(
        self, signer: Signer | AsyncSigner | None = None, transport: Transport | None = None
    ) -> PayCoolsGlobal:
        return PayCoolsGlobal(
            GlobalCredentials(app_id=APP_ID, private_key=self.pem),
            base_url=self.url,
            signer=signer,
            transport=transport,
            max_connections=self.concurrency,
        )

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.concurrency))


@attrs.frozen
class Case:
    """A way to make a payout; `open` prepares it. The id is the family and the way."""

    id: str
    what: str
    open: Callable[[Bench], AbstractAsyncContextManager[Pay]]


def ph_payout(client: PayCoolsPH) -> Pay:
    """A PH payout through the SDK, as its users write it."""

    def pay(order_id: str) -> Awaitable[object]:
        return client.payouts.create(mch_order_id=order_id, **PH_FIELDS)

    return pay


def global_payout(client: PayCoolsGlobal) -> Pay:
    """An Indonesian payout through the SDK, as its users write it."""

    def pay(order_id: str) -> Awaitable[object]:
        return client.indonesia.payouts.create(mch_order_id=order_id, **GLOBAL_FIELDS)

    return pay


@contextlib.asynccontextmanager
async def sdk(
    bench: Bench, family: str, signer: Signer | AsyncSigner | None = None, transport: Transport | None = None
) -> AsyncIterator[Pay]:
    """Payouts of a family through the SDK."""
    if family == "ph":
        async with bench.client(signer, transport) as client:
            yield ph_payout(client)
    else:
        async with bench.global_client(signer, transport) as client_of_both:
            yield global_payout(client_of_both)


def _sdk(family: str, signer: Callable[[PrivateKey], Signer]) -> Callable[[Bench], AbstractAsyncContextManager[Pay]]:
    return lambda bench: sdk(bench, family, signer(bench.key))


def _by_hand(family: str, signing: Callable[[str], Sign]) -> Callable[[Bench], AbstractAsyncContextManager[Pay]]:
    @contextlib.asynccontextmanager
    async def open_(bench: Bench) -> AsyncIterator[Pay]:
        sign = signing(bench.pem)
        async with bench.session() as session:
            if family == "ph":
                ph = HandwrittenPH(session, bench.url, APP_ID, APP_NAME, sign)
                yield lambda order_id: ph.create_payout(order_id, AMOUNT)
            else:
                global_ = HandwrittenGlobal(session, bench.url, APP_ID, sign)
                yield lambda order_id: global_.create_payout(order_id, IDR_AMOUNT)

    return open_


def _floor(family: str) -> Callable[[Bench], AbstractAsyncContextManager[Pay]]:
    """One signature on the loop and one bare POST of a payout's fields: nothing that pays with aiohttp can be less."""
    path = {"ph": "/api/v1/payout", "global": "/open-api/indonesia/disbursement/transfer"}[family]

    @contextlib.asynccontextmanager
    async def open_(bench: Bench) -> AsyncIterator[Pay]:
        sign = with_cryptography(bench.pem)
        async with bench.session() as session:

            async def pay(order_id: str) -> None:
                signature = base64.b64encode(sign(order_id.encode())).decode()
                fields = floor_fields(family, order_id, signature)
                async with session.post(bench.url + path, json=fields) as response:
                    await response.read()

            yield pay

    return open_


def floor_fields(family: str, order_id: str, sign: str) -> dict[str, Any]:
    """What a payout's body holds; nothing is checked, sorted or joined."""
    if family == "global":
        param = (
            f'{{"timestamp":1767225600000,"mchOrderId":"{order_id}","idempotencyId":"{order_id}","amount":50000,'
            '"accountNo":"109594480004","accountName":"Budi Santoso","mobile":"081234567890",'
            '"payMethodCode":"BANK","transferCode":"CIMB","remark":"benchmark"}'
        )
        return {"appId": APP_ID, "param": param, "sign": sign}
    return {
        "appId": APP_ID,
        "appName": APP_NAME,
        "mchOrderId": order_id,
        "idempotencyId": order_id,
        "amount": AMOUNT,
        "payMethodCode": "EWALLET",
        "ewalletCode": "GCASH",
        "accountNo": "09171234567",
        "accountName": "Juan Dela Cruz",
        "remark": "benchmark",
        "sign": sign,
    }


@contextlib.asynccontextmanager
async def both_calls(bench: Bench) -> AsyncIterator[Pay]:
    """The batch's calls without its ledger: create the payout, then inquire."""
    async with bench.client() as client:
        create = ph_payout(client)

        async def pay(order_id: str) -> None:
            await create(order_id)
            await client.payouts.query(mch_order_id=order_id)

        yield pay


CASES = tuple(
    found
    for family, name in FAMILIES.items()
    for found in (  # what is compared stands close together
        Case(f"{family}.sdk_cryptography", f"{name}: SDK, cryptography", _sdk(family, OpenSSLSigner)),
        Case(f"{family}.floor", f"{name}: floor, a signature and a POST", _floor(family)),
        Case(f"{family}.hand_cryptography", f"{name}: by hand, cryptography", _by_hand(family, with_cryptography)),
        Case(f"{family}.hand_pycryptodome", f"{name}: by hand, pycryptodome", _by_hand(family, with_pycryptodome)),
        Case(f"{family}.sdk_pycryptodome", f"{name}: SDK, pycryptodome", _sdk(family, PycryptodomeSigner)),
    )
)


def case(id: str) -> Case:
    return next(found for found in CASES if found.id == id)
