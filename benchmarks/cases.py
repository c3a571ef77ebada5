"""The ways to make a payout, for both APIs: the SDK, the same by hand, and the floor."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import aiohttp
import attrs

from paycools_async import GlobalCredentials, PayCoolsGlobal, PayCoolsPH, PHCredentials
from paycools_async.signing import PrivateKey, Signer, SigningProcess
from paycools_async.signing.openssl import OpenSSLSigner
from paycools_async.signing.pycryptodome import PycryptodomeSigner

from .by_hand import APP_ID, APP_NAME, FIELDS, PATHS, Sign, params_of, paying, with_cryptography, with_pycryptodome
from .measure import Pay

FAMILIES = {"ph": "PH", "global": "Global"}


@attrs.frozen(kw_only=True)
class Bench:
    """What all cases share: the stub's address, the key, and how many payouts are in flight at a time."""

    url: str
    pem: str = attrs.field(repr=False)
    concurrency: int = 100

    @property
    def _ph_credentials(self) -> PHCredentials:
        return PHCredentials(app_id=APP_ID, app_name=APP_NAME, private_key=self.pem)

    @property
    def key(self) -> PrivateKey:
        return self._ph_credentials.private_key

    def client(self, **options: Any) -> PayCoolsPH:
        return PayCoolsPH(self._ph_credentials, base_url=self.url, max_connections=self.concurrency, **options)

    def global_client(self, **options: Any) -> PayCoolsGlobal:
        credentials = GlobalCredentials(app_id=APP_ID, private_key=self.pem)
        return PayCoolsGlobal(credentials, base_url=self.url, max_connections=self.concurrency, **options)

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.concurrency))


Open = Callable[[Bench], AbstractAsyncContextManager[Pay]]


class NullSigner:
    """Signs with zeros, at once."""

    async def sign(self, text: bytes) -> bytes:
        return b"\0" * 256


def ph_payout(client: PayCoolsPH) -> Pay:
    """A PH payout through the SDK, as its users write it."""

    def pay(order_id: str) -> Awaitable[object]:
        return client.payouts.create(mch_order_id=order_id, **FIELDS["ph"])

    return pay


def _global_payout(client: PayCoolsGlobal) -> Pay:
    def pay(order_id: str) -> Awaitable[object]:
        return client.indonesia.payouts.create(mch_order_id=order_id, **FIELDS["global"])

    return pay


@contextlib.asynccontextmanager
async def sdk(bench: Bench, family: str, **options: Any) -> AsyncIterator[Pay]:
    """Payouts of a family through the SDK; the options are the client's."""
    if family == "ph":
        async with bench.client(**options) as ph:
            yield ph_payout(ph)
    else:
        async with bench.global_client(**options) as global_:
            yield _global_payout(global_)


def _sdk(family: str, signer: Callable[[PrivateKey], Signer]) -> Open:
    return lambda bench: sdk(bench, family, signer=signer(bench.key))


@contextlib.asynccontextmanager
async def _by_process(family: str, bench: Bench) -> AsyncIterator[Pay]:
    """Payouts through the SDK, signed in a process of their own."""
    async with SigningProcess(bench.key) as signer, sdk(bench, family, signer=signer) as pay:
        yield pay


@contextlib.asynccontextmanager
async def both_calls(bench: Bench) -> AsyncIterator[Pay]:
    """The batch's calls without its ledger: create the payout, then inquire."""
    async with bench.client() as client:
        create = ph_payout(client)

        async def pay(order_id: str) -> None:
            await create(order_id)
            await client.payouts.query(mch_order_id=order_id)

        yield pay


@contextlib.asynccontextmanager
async def _by_hand(family: str, signing: Callable[[str], Sign], bench: Bench) -> AsyncIterator[Pay]:
    async with bench.session() as session:
        yield paying(family, session, bench.url, signing(bench.pem))


@contextlib.asynccontextmanager
async def _floor(family: str, bench: Bench) -> AsyncIterator[Pay]:
    """One signature on the loop and one bare POST of a payout's fields: nothing that pays with aiohttp can be less."""
    sign = with_cryptography(bench.pem)
    async with bench.session() as session:

        async def pay(order_id: str) -> None:
            fields = floor_fields(family, order_id, base64.b64encode(sign(order_id.encode())).decode())
            async with session.post(bench.url + PATHS[family], json=fields) as response:
                await response.read()

        yield pay


def floor_fields(family: str, order_id: str, sign: str) -> dict[str, Any]:
    """What a payout's body holds; nothing is checked, sorted or joined."""
    params = params_of(family, order_id)
    return {**params, "sign": sign} if family == "ph" else {"appId": APP_ID, "param": str(params), "sign": sign}


@attrs.frozen
class Case:
    """A way to make a payout; `open` prepares it. The id is the family and the way."""

    id: str
    what: str
    open: Open


def _cases(family: str, name: str) -> list[Case]:
    """What is compared stands close together."""
    by_hand = partial(partial, _by_hand, family)
    return [
        Case(f"{family}.sdk_process", f"{name}: SDK, a signing process", partial(_by_process, family)),
        Case(f"{family}.sdk_cryptography", f"{name}: SDK, cryptography", _sdk(family, OpenSSLSigner)),
        Case(f"{family}.floor", f"{name}: floor, a signature and a POST", partial(_floor, family)),
        Case(
            f"{family}.hand_cryptography",
            f"{name}: by hand, cryptography",
            by_hand(with_cryptography),
        ),
        Case(
            f"{family}.hand_pycryptodome",
            f"{name}: by hand, pycryptodome",
            by_hand(with_pycryptodome),
        ),
        Case(f"{family}.sdk_pycryptodome", f"{name}: SDK, pycryptodome", _sdk(family, PycryptodomeSigner)),
    ]


CASES = [case for family, name in FAMILIES.items() for case in _cases(family, name)]
