"""The clients: credentials and policies in, typed products out."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar, Unpack

from .base_client import DEFAULTS, BaseClient, ClientOptions
from .config import (
    Environment,
    GlobalCredentials,
    PHCredentials,
    environment_from,
    global_base_url,
    ph_base_url,
)
from .countries import CountryCode
from .endpoint import GlobalRequest, PHRequest
from .engine import Exchange
from .errors import ConfigurationError
from .families import GLOBAL, PH
from .policy import Retry
from .privacy.confidential import without_frames
from .settings import paths_setting, setting

if TYPE_CHECKING:
    from .callbacks.verify import GlobalCallbacks, PHCallbacks
    from .global_api.account import GlobalAccount
    from .global_api.countries.indonesia import Indonesia
    from .global_api.countries.malaysia import Malaysia
    from .global_api.countries.philippines import Philippines
    from .global_api.countries.russia import Russia
    from .global_api.countries.thailand import Thailand
    from .global_api.direct_debit import GlobalDirectDebit
    from .global_api.refunds import GlobalRefunds
    from .global_api.unified.product import Unified
    from .ph.account import Account
    from .ph.bank_transfer import BankTransfers
    from .ph.bills import Bills
    from .ph.checkout import Checkout
    from .ph.cpm import CPM
    from .ph.direct_debit import DirectDebit
    from .ph.ekyc import EKYC
    from .ph.payout import Payouts
    from .ph.qrcode import QR
    from .ph.refund import Refunds
    from .ph.web_payment import WebPayments

__all__ = ["GlobalOptions", "PHOptions", "PayCoolsGlobal", "PayCoolsPH"]

R = TypeVar("R")


class PHOptions(ClientOptions, total=False):
    """The options of `PayCoolsPH`."""

    sign_path_parameters: bool
    """Signs values that stand in a path (no document says whether PayCools expects it)."""


class GlobalOptions(ClientOptions, total=False):
    """The options of `PayCoolsGlobal`."""

    timestamp_unit: Literal["ms", "s"]
    """The tables say milliseconds, the default; PayCools' own signed samples hold seconds."""


class PayCoolsPH(BaseClient[PHCredentials]):
    """The client of the PH API.

    `environment` defaults to UAT, the test system. `timeout` is seconds for a whole call, retries included.
    `paths` overrides or supplies endpoint paths by id. `signer` replaces the private key's own (also an async one,
    for a key service). `transport` replaces aiohttp; it is closed with the client. `max_connections` sizes the pool.
    `sign_path_parameters` signs values that stand in a path (no document says whether PayCools expects it).

    It may be made outside an event loop and is used in one, as `async with`; or call `aclose()` yourself.
    """

    _family = PH
    # made when first asked for
    account: Account
    payouts: Payouts
    bills: Bills
    qr: QR
    bank_transfers: BankTransfers
    web_payments: WebPayments
    refunds: Refunds
    checkout: Checkout
    direct_debit: DirectDebit
    ekyc: EKYC
    cpm: CPM
    _products: ClassVar[Mapping[str, str]] = {
        "account": "ph.account:Account",
        "payouts": "ph.payout:Payouts",
        "bills": "ph.bills:Bills",
        "qr": "ph.qrcode:QR",
        "bank_transfers": "ph.bank_transfer:BankTransfers",
        "web_payments": "ph.web_payment:WebPayments",
        "refunds": "ph.refund:Refunds",
        "checkout": "ph.checkout:Checkout",
        "direct_debit": "ph.direct_debit:DirectDebit",
        "ekyc": "ph.ekyc:EKYC",
        "cpm": "ph.cpm:CPM",
    }

    _defaults: ClassVar[Mapping[str, Any]] = {**DEFAULTS, "sign_path_parameters": False}
    _option_types = PHOptions

    def __init__(self, credentials: PHCredentials, **options: Unpack[PHOptions]) -> None:
        super().__init__(credentials, options)

    def _host(self, environment: Environment, base_url: str | None) -> str:
        return ph_base_url(environment, base_url)

    @classmethod
    @without_frames
    def from_env(cls, env: Mapping[str, str] | None = None, **options: Unpack[PHOptions]) -> Self:
        """A client from the PAYCOOLS_PH_* variables of the process, or of `env`; options as for the constructor.

        _APP_ID, _APP_NAME, _PRIVATE_KEY (text, Base64 or path), _CALLBACK_SECRET, _ENVIRONMENT (uat, production),
        _BASE_URL and _PATHS (of endpoints, "id=/path,id=/path"); a variable with _FILE behind its name names a file
        that holds the value. Raises ConfigurationError naming what is missing.
        """
        env = os.environ if env is None else env
        options.setdefault("environment", environment_from(setting(env, "PAYCOOLS_PH_ENVIRONMENT")))
        options.setdefault("base_url", setting(env, "PAYCOOLS_PH_BASE_URL"))
        options.setdefault("paths", paths_setting(env, "PAYCOOLS_PH_PATHS"))
        return cls(PHCredentials.from_env(env), **options)

    async def send(
        self,
        request: PHRequest[R],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - one deadline, which leaves time for a clear end
        retry: Retry | None = None,
    ) -> R:
        """Send a request and return its typed result. Raises what `paycools_async.errors` describes.

        `timeout` (seconds for the whole call) and `retry` are for this call alone.
        """
        return (await self._engine.with_options(timeout, retry).exchange(request)).result

    async def exchange(
        self,
        request: PHRequest[R],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as in `send`
        retry: Retry | None = None,
    ) -> Exchange[R]:
        """Like `send`, with the raw answer, HTTP status, headers, duration and number of attempts."""
        return await self._engine.with_options(timeout, retry).exchange(request)

    @functools.cached_property
    def callbacks(self) -> PHCallbacks:
        """Verifies and types PayCools' callbacks: `paycools.callbacks.parse(raw_body)`.

        Raises ConfigurationError if the credentials hold no callback secret.
        """
        from .callbacks.verify import PHCallbacks

        if self.credentials.callback_secret is None:
            raise ConfigurationError("callbacks need the callback_secret that PayCools issued")
        return PHCallbacks(self.credentials.callback_secret)

    async def ping(self) -> None:
        """Prove that host, app id, key and IP white list are right, by asking for the balance."""
        await self.account.balance()

    def signing_text(self, request: PHRequest[Any]) -> str:
        """The exact text signed for a request, to compare with PayCools' support. It holds account data."""
        return self._engine.prepare.request(request).text.decode("utf-8")


class PayCoolsGlobal(BaseClient[GlobalCredentials]):
    """The client of the Global API.

    Options as for `PayCoolsPH`; both hosts are documented, so production needs no `base_url`. `timestamp_unit`: the
    tables say milliseconds, PayCools' own signed samples hold seconds ("s"); milliseconds are sent by default.
    """

    _family = GLOBAL
    # made when first asked for
    account: GlobalAccount
    philippines: Philippines
    indonesia: Indonesia
    malaysia: Malaysia
    thailand: Thailand
    russia: Russia
    refunds: GlobalRefunds
    direct_debit: GlobalDirectDebit
    unified: Unified
    _products: ClassVar[Mapping[str, str]] = {
        "account": "global_api.account:GlobalAccount",
        "philippines": "global_api.countries.philippines:Philippines",
        "indonesia": "global_api.countries.indonesia:Indonesia",
        "malaysia": "global_api.countries.malaysia:Malaysia",
        "thailand": "global_api.countries.thailand:Thailand",
        "russia": "global_api.countries.russia:Russia",
        "refunds": "global_api.refunds:GlobalRefunds",
        "direct_debit": "global_api.direct_debit:GlobalDirectDebit",
        "unified": "global_api.unified.product:Unified",
    }

    _defaults: ClassVar[Mapping[str, Any]] = {**DEFAULTS, "timestamp_unit": "ms"}
    _option_types = GlobalOptions

    def __init__(self, credentials: GlobalCredentials, **options: Unpack[GlobalOptions]) -> None:
        if options.get("timestamp_unit", "ms") not in ("ms", "s"):
            raise ConfigurationError('timestamp_unit: "ms" or "s"')
        super().__init__(credentials, options)

    def _host(self, environment: Environment, base_url: str | None) -> str:
        return global_base_url(environment, base_url)

    @classmethod
    @without_frames
    def from_env(cls, env: Mapping[str, str] | None = None, **options: Unpack[GlobalOptions]) -> Self:
        """A client from the PAYCOOLS_GLOBAL_* variables of the process, or of `env`; options as for the constructor.

        _APP_ID, _PRIVATE_KEY, _PLATFORM_PUBLIC_KEY (keys as text, Base64 or path), _ENVIRONMENT (uat, production),
        _BASE_URL and _PATHS (of endpoints, "id=/path,id=/path"); a variable with _FILE behind its name names a file
        that holds the value. Raises ConfigurationError naming what is missing.
        """
        env = os.environ if env is None else env
        variable = "PAYCOOLS_GLOBAL_ENVIRONMENT"
        options.setdefault("environment", environment_from(setting(env, variable), variable))
        options.setdefault("base_url", setting(env, "PAYCOOLS_GLOBAL_BASE_URL"))
        options.setdefault("paths", paths_setting(env, "PAYCOOLS_GLOBAL_PATHS"))
        return cls(GlobalCredentials.from_env(env), **options)

    async def send(
        self,
        request: GlobalRequest[R],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - one deadline, which leaves time for a clear end
        retry: Retry | None = None,
    ) -> R:
        """Send a request and return its typed result. Raises what `paycools_async.errors` describes.

        `timeout` (seconds for the whole call) and `retry` are for this call alone.
        """
        return (await self._engine.with_options(timeout, retry).exchange(request)).result

    async def exchange(
        self,
        request: GlobalRequest[R],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as in `send`
        retry: Retry | None = None,
    ) -> Exchange[R]:
        """Like `send`, with the raw answer, HTTP status, headers, duration and number of attempts."""
        return await self._engine.with_options(timeout, retry).exchange(request)

    @functools.cached_property
    def callbacks(self) -> GlobalCallbacks:
        """Verifies and types PayCools' callbacks: `paycools.callbacks.parse(raw_body)`.

        Raises ConfigurationError if the credentials hold no platform key. A merchant of one country names it:
        `GlobalCallbacks(platform_public_key, country="ID")`.
        """
        from .callbacks.verify import GlobalCallbacks

        if self.credentials.platform_public_key is None:
            raise ConfigurationError("callbacks need PayCools' platform_public_key")
        return GlobalCallbacks(self.credentials.platform_public_key)

    async def ping(self, country_code: CountryCode) -> None:
        """Prove that host, app id, key and IP white list are right, by asking for the balance in a country."""
        await self.account.balance(country_code=country_code)

    def signing_text(self, request: GlobalRequest[Any]) -> str:
        """The exact text signed for a request: its `param`, with this moment's time. It holds account data."""
        return self._engine.prepare.request(request).text.decode("utf-8")
