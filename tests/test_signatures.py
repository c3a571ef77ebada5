"""What `help()`, notebooks and editors show: the parameters that a call really takes."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import pytest

from paycools_async import GlobalCredentials, NotFound, PayCoolsGlobal, PayCoolsPH, PHCredentials
from paycools_async.ph.payout import CreatePayout, PayoutReceipt, Payouts


def test_a_call_shows_the_parameters_of_its_request(paycools: PayCoolsPH) -> None:
    shown = inspect.signature(paycools.payouts.create)
    of_request = inspect.signature(CreatePayout).parameters
    assert list(shown.parameters) == list(of_request)
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in shown.parameters.values())
    assert shown.parameters["amount"].default is inspect.Parameter.empty
    assert shown.parameters["remark"].default is None
    assert shown.parameters["idempotency_id"].default is ...  # made from the order id
    assert shown.return_annotation is PayoutReceipt


def test_a_call_has_its_own_name_text_and_module(paycools: PayCoolsPH) -> None:
    for call in (Payouts.create, paycools.payouts.create):
        shown: Any = call
        assert (shown.__name__, shown.__qualname__) == ("create", "Payouts.create")
        assert call.__module__ == "paycools_async.ph.payout"
        assert call.__doc__ == CreatePayout.__doc__


def test_help_of_a_product_lists_its_calls_as_methods() -> None:
    assert list(inspect.signature(Payouts.create).parameters)[:2] == ["self", "mch_order_id"]
    page = pydoc.plain(pydoc.render_doc(Payouts))
    # Python 3.14 writes annotations without their quotes
    assert "query(self, *, mch_order_id: str) -> paycools_async.ph.payout.PayoutStatus" in page.replace("'", "")


async def test_a_call_of_the_class_takes_the_product(paycools: PayCoolsPH) -> None:
    with pytest.raises(NotFound):
        await Payouts.query(paycools.payouts, mch_order_id="NOBODY1")
    with pytest.raises(TypeError, match="mch_order_id"):
        await Payouts.query(paycools.payouts)  # type: ignore[call-arg]


@pytest.mark.parametrize(("client", "own"), [(PayCoolsPH, "sign_path_parameters"), (PayCoolsGlobal, "timestamp_unit")])
def test_a_client_shows_every_option_by_name(client: type[PayCoolsPH | PayCoolsGlobal], own: str) -> None:
    shown = inspect.signature(client).parameters
    assert list(shown) == [
        "credentials",
        "environment",
        "base_url",
        "transport",
        "paths",
        "signer",
        "timeout",
        "retry",
        "pace",
        "clock",
        "max_connections",
        "observers",
        "on_call",
        "on_attempt",
        own,
    ]
    assert shown["timeout"].default == 30.0
    assert shown["transport"].annotation == "Transport | None"


def test_an_option_that_is_not_there_is_refused(key_pem: str) -> None:
    merchant = PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    with pytest.raises(TypeError, match="PayCoolsPH has no option 'timeoutt'; it takes environment, base_url"):
        PayCoolsPH(merchant, timeoutt=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="PayCoolsGlobal has no option 'sign_path_parameters'"):
        PayCoolsGlobal(
            GlobalCredentials(app_id="a", private_key=key_pem),
            sign_path_parameters=True,  # type: ignore[call-arg]
        )


def test_a_client_of_ones_own_has_a_constructor_of_ones_own(key_pem: str) -> None:
    class Shop(PayCoolsPH):
        def __init__(self, shop: str) -> None:
            super().__init__(PHCredentials(app_id=shop, app_name=shop, private_key=key_pem), timeout=5)

    class Plain(PayCoolsPH):
        pass

    assert list(inspect.signature(Shop).parameters) == ["shop"]
    assert Shop("a").timeout == 5
    assert inspect.signature(Plain) == inspect.signature(PayCoolsPH)
