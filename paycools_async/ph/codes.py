"""The codes PayCools uses in texts: channels, e-wallets, event names, failure codes.

PayCools publishes almost no list, so all of these are open: unknown text passes through. Every known code says what
it is and how sure that is: `WebPaymentChannel.GCASH_URL.about`. The channels of bills, QR codes, bank transfers and
CPM stand with their products. No bank code of payouts is in any public document: ask PayCools for the list.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..endpoint import Provenance
from ..enums import OpenEnum
from ..vocabulary.failures import About, FailedCode

__all__ = [
    "About",
    "CheckoutChannel",
    "DirectDebitChannel",
    "EWalletCode",
    "EventName",
    "FailedCode",
    "WebPaymentChannel",
]

_DOCUMENTED = Provenance.DOCUMENTED
_INFERRED = Provenance.INFERRED


class _Described(OpenEnum):
    """An open enum whose known codes can be explained."""

    @property
    def about(self) -> About | None:
        """What is known of the code; None for an unknown one."""
        return _ABOUT[type(self)].get(self._value_)


class WebPaymentChannel(_Described):
    """Channels of web payments (7.1): the customer pays on a page."""

    GCASH_URL = "GCASH_URL"
    PAYMAYA_URL = "PAYMAYA_URL"
    GRPY_URL = "GRPY_URL"
    COINS_URL = "COINS_URL"
    BPIA_URL = "BPIA_URL"
    UBPB_URL = "UBPB_URL"
    ZFB_URL = "ZFB_URL"
    MASTER_CARD_URL = "MASTER_CARD_URL"
    VISA_CARD_URL = "VISA_CARD_URL"
    CARD_URL = "CARD_URL"


class CheckoutChannel(_Described):
    """Channels of the checkout page (9.2). `paycools.checkout.channels` asks PayCools for yours."""

    GCASH_URL = "GCASH_URL"
    PAYMAYA_URL = "PAYMAYA_URL"
    BPIA_URL = "BPIA_URL"
    UBPB_URL = "UBPB_URL"
    MASTER_CARD_URL = "MASTER_CARD_URL"
    VISA_CARD_URL = "VISA_CARD_URL"
    MAYB_URL = "MAYB_URL"
    MBTC_URL = "MBTC_URL"
    RCBC_URL = "RCBC_URL"
    QRPH_DYNAMIC_QR = "QRPH_DYNAMIC_QR"
    SEVEN_ELEVEN_VA = "7ELEVEN_VA"


class DirectDebitChannel(_Described):
    """Channels of direct debit (10.1, 10.5)."""

    ALIPAY_DIRECT_DEBIT = "ALIPAY_DIRECT_DEBIT"
    JTWALLET_DIRECT_DEBIT = "JTWALLET_DIRECT_DEBIT"
    PH_GCASH_DIRECT_DEBIT = "PH_GCASH_DIRECT_DEBIT"


class EWalletCode(_Described):
    """E-wallet codes of payouts (3.1). The list is not published; a wrong one is refused with 1016."""

    GCASH = "GCASH"
    JT = "JT"


class EventName(_Described):
    """The event names of the PH API's callbacks. Dispatch on them, not on the address a callback came to."""

    DISBURSEMENT_SUCCESS = "disbursement.success"
    DISBURSEMENT_FAILED = "disbursement.failed"
    PAYMENT_VERIFICATION = "payment.verification"
    PAYMENT_SUCCESS = "payment.success"
    QRCODE_PAYMENT_SUCCESS = "qrcode.payment.success"
    QRCODE_PAYMENT_FAILED = "qrcode.payment.failed"
    TRANSFER_PAYMENT_SUCCESS = "transfer.payment.success"
    H5_PAYMENT_SUCCESS = "h5.payment.success"
    H5_PAYMENT_FAILED = "h5.payment.failed"
    PAYMENT_REFUND_SUCCESS = "payment.refund.success"
    PAYMENT_REFUND_FAILED = "payment.refund.failed"
    PAYMENT_REFUND_CANCEL = "payment.refund.cancel"
    CHECKOUT_PAYMENT_SUCCESS = "checkout.payment.success"
    CHECKOUT_PAYMENT_FAILED = "checkout.payment.failed"
    TOKEN_CREATE_SUCCESS = "token.create.success"  # noqa: S105 - an event, no secret  # nosec B105
    TOKEN_CREATE_FAILED = "token.create.failed"  # noqa: S105  # nosec B105
    TOKEN_CANCEL_SUCCESS = "token.cancel.success"  # noqa: S105  # nosec B105
    DIRECTDEBIT_PAYMENT_SUCCESS = "directdebit.payment.success"
    DIRECTDEBIT_PAYMENT_FAILED = "directdebit.payment.failed"
    CPM_PAYMENT_SUCCESS = "cpm.payment.success"
    CPM_PAYMENT_FAILED = "cpm.payment.failed"


_ONE = "from one integrator's code"
_TWO = "from two integrators' code"
_WEAK = "weak: in one integrator's list only, next to codes that are made up"

_WEB: dict[str, About] = {
    "GCASH_URL": About("GCash", _DOCUMENTED),
    "PAYMAYA_URL": About("Maya (PayMaya)", _INFERRED, _TWO),
    "GRPY_URL": About("GrabPay", _INFERRED, _ONE),
    "COINS_URL": About("Coins", _INFERRED, _ONE),
    "BPIA_URL": About("BPI, online banking", _INFERRED, _TWO),
    "UBPB_URL": About("UnionBank, online banking", _INFERRED, _TWO),
    "ZFB_URL": About("Alipay", _INFERRED, _ONE),
    "MASTER_CARD_URL": About("Mastercard credit card", _INFERRED, _TWO),
    "VISA_CARD_URL": About("Visa credit card", _INFERRED, _TWO),
    "CARD_URL": About("Maya's card page", _INFERRED, _ONE),
}

_CHECKOUT: dict[str, About] = {
    **{code: _WEB[code] for code in CheckoutChannel._value2member_map_ if code in _WEB},
    "MAYB_URL": About("Maybank, online banking", _INFERRED, _WEAK),
    "MBTC_URL": About("Metrobank, online banking", _INFERRED, _WEAK),
    "RCBC_URL": About("RCBC, online banking", _INFERRED, _WEAK),
    "QRPH_DYNAMIC_QR": About("QR Ph, dynamic code", _INFERRED, "documented for QR codes, seen once in a checkout"),
    "7ELEVEN_VA": About("7-Eleven, over the counter", _INFERRED, _WEAK + "; the bills' code is 7ELEVEN_STATIC_VA"),
}

_DEBIT: dict[str, About] = {
    "ALIPAY_DIRECT_DEBIT": About("Alipay", _DOCUMENTED),
    "JTWALLET_DIRECT_DEBIT": About("J&T wallet", _DOCUMENTED, "for one tenant (J&T)"),
    "PH_GCASH_DIRECT_DEBIT": About(
        "GCash", _INFERRED, "documented for the Global API; whether it holds here is unknown"
    ),
}

_EWALLETS: dict[str, About] = {
    "GCASH": About("GCash", _INFERRED, "stands as receivingChannel in a statement sample; not proven to be the code"),
    "JT": About("J&T wallet", _DOCUMENTED, "for one tenant (J&T)"),
}

_SIBLING = "from the Global API's page"
_EVENTS: dict[str, About] = {
    "disbursement.success": About("a payout was paid (3.3)", _DOCUMENTED),
    "disbursement.failed": About("a payout failed (3.3)", _DOCUMENTED),
    "payment.verification": About("may this bill be paid? (4.6)", _DOCUMENTED),
    "payment.success": About("a bill was paid (4.8)", Provenance.OBSERVED, "in one integrator's traffic"),
    "qrcode.payment.success": About("a QR code was paid (5.5)", _DOCUMENTED),
    "qrcode.payment.failed": About("a QR payment failed (5.5)", _DOCUMENTED),
    "transfer.payment.success": About("a bank transfer came in (6.4)", _DOCUMENTED),
    "h5.payment.success": About("a web payment was paid (7.4)", _DOCUMENTED),
    "h5.payment.failed": About("a web payment failed (7.4)", _DOCUMENTED),
    "payment.refund.success": About("a refund was paid (8.3)", _DOCUMENTED),
    "payment.refund.failed": About("a refund failed (8.3)", _DOCUMENTED),
    "payment.refund.cancel": About("a refund was cancelled (8.3)", _DOCUMENTED),
    "checkout.payment.success": About("a checkout was paid (9.5)", _DOCUMENTED),
    "checkout.payment.failed": About("a checkout failed (9.5)", _DOCUMENTED),
    "token.create.success": About("a customer authorized direct debits (10.4)", _DOCUMENTED),
    "token.create.failed": About("an authorization failed (10.4)", _INFERRED, _SIBLING),
    "token.cancel.success": About("an authorization ended (10.4)", _INFERRED, _SIBLING),
    "directdebit.payment.success": About("a debit was paid (10.7)", _DOCUMENTED),
    "directdebit.payment.failed": About("a debit failed (10.7)", _DOCUMENTED),
    "cpm.payment.success": About("a shown code was charged (CPM)", _DOCUMENTED),
    "cpm.payment.failed": About("charging a shown code failed (CPM)", _DOCUMENTED),
}

_ABOUT: Mapping[type, Mapping[str, About]] = {
    WebPaymentChannel: _WEB,
    CheckoutChannel: _CHECKOUT,
    DirectDebitChannel: _DEBIT,
    EWalletCode: _EWALLETS,
    EventName: _EVENTS,
}
