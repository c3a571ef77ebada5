"""What `@endpoint` and `@callback` make of a class."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from paycools_async import endpoint as descriptors
from paycools_async.countries import INDONESIA
from paycools_async.endpoint import (
    Effect,
    Endpoint,
    Event,
    GlobalRequest,
    PHRequest,
    Provenance,
    Purpose,
    Wire,
    callback,
    endpoint,
    result,
    shared,
)
from paycools_async.fields import order_id

R = TypeVar("R")


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_REGISTRY", {})


def test_what_holds_for_an_api_holds_for_its_endpoints_unless_they_say_otherwise() -> None:
    @endpoint("ph.x", "POST", "/x", nav="0", returns=int, provenance=Provenance.DOCUMENTED)
    class Flat(PHRequest[int]):
        """Of the PH API."""

    @endpoint("global.x", "POST", "/x", nav="0", returns=int, provenance=Provenance.DOCUMENTED)
    class Enveloped(GlobalRequest[int]):
        """Of the Global API."""

    flat, enveloped = Flat.__endpoint__, Enveloped.__endpoint__
    assert (flat.family, flat.wire, flat.client_fields) == ("ph", Wire.FLAT, ())
    assert flat.success_codes == {1000}
    assert (enveloped.family, enveloped.wire, enveloped.client_fields) == ("global", Wire.ENVELOPED, ("timestamp",))
    assert enveloped.success_codes == {10000}


def test_fills_is_the_former_name_of_client_fields() -> None:
    with pytest.warns(DeprecationWarning, match="client_fields"):
        make = endpoint("ph.x", "GET", "/x", nav="0", returns=int, provenance=Provenance.DOCUMENTED, fills=("appName",))

    @make
    class Old(PHRequest[int]):
        """Made with the former name."""

    assert Old.__endpoint__.client_fields == ("appName",)
    with pytest.warns(DeprecationWarning, match="client_fields"):
        assert Old.__endpoint__.fills == ("appName",)


@shared
class ById(PHRequest[R]):
    """What is asked for by order id."""

    mch_order_id: str = order_id()


@shared
class Numbered(GlobalRequest[list[int]]):
    """What answers numbers."""


def made(cls: Any) -> Endpoint:
    found: Endpoint = endpoint("ph.x", "GET", "/x", nav="0", provenance=Provenance.DOCUMENTED)(cls).__endpoint__
    return found


def test_what_an_endpoint_returns_is_said_by_its_base() -> None:
    class Direct(PHRequest[int]):
        """Says it itself."""

    assert made(Direct).returns is int


def test_what_an_endpoint_returns_is_said_to_or_by_a_shared_base() -> None:
    class ToTheBase(ById[str]):
        """Says it to the base."""

    class ByTheBase(Numbered):
        """Its base says it."""

    assert made(ToTheBase).returns is str
    descriptors._REGISTRY.clear()
    assert made(ByTheBase).returns == list[int]


def test_an_endpoint_that_does_not_say_what_it_returns_is_refused() -> None:
    class Silent(PHRequest):  # type: ignore[type-arg]
        """Says nothing."""

    with pytest.raises(TypeError, match="Silent: which result"):
        made(Silent)


def test_an_event_knows_its_country() -> None:
    @callback("global.id.x", "x.success", nav="0", country=INDONESIA, provenance=Provenance.DOCUMENTED)
    class Settled(Event):
        """Of one country."""

    assert (Settled.country, Settled.__endpoint__.country) == ("ID", "ID")
    assert Event.country is None


@pytest.mark.parametrize(
    ("status", "rank"), [("PENDING", 0), ("PROCESSING", 0), ("COMPLETE", 1), ("A_NEW_WORD", 1), ("INACTIVED", 2)]
)
def test_an_event_says_what_it_is_about_and_how_late_it_is(status: str, rank: int) -> None:
    @result
    class Told(Event):
        request_id: str
        token_status: str

    event = Told(request_id="R1", token_status=status)
    assert (event.subject, event.status, event.rank) == ("R1", status, rank)


def test_an_event_without_ids_is_about_nothing() -> None:
    assert (Event().subject, Event().status, Event().rank) == (None, None, 1)


def kind(**given: Any) -> tuple[Effect, Purpose]:
    class Asked(PHRequest[int]):
        """Asked with these."""

    descriptors._REGISTRY.clear()
    made: Any = endpoint("ph.x", "POST", "/x", nav="0", provenance=Provenance.DOCUMENTED, **given)(Asked)
    return made.__endpoint__.effect, made.__endpoint__.purpose


def test_what_a_call_does_follows_from_what_it_is_for() -> None:
    assert kind() == (Effect.READS, Purpose.READ)
    assert kind(purpose=Purpose.READ) == (Effect.READS, Purpose.READ)
    assert {purpose for purpose in Purpose if kind(purpose=purpose)[0] is Effect.MOVES_MONEY} == {
        Purpose.PAYOUT,
        Purpose.PAYMENT,
        Purpose.REFUND,
        Purpose.VOID,
        Purpose.OTHER,
    }


def test_what_is_for_anything_but_reading_is_never_taken_for_a_read() -> None:
    assert [purpose for purpose in Purpose if kind(purpose=purpose)[0] is Effect.READS] == [Purpose.READ]


def test_what_a_call_does_may_be_said() -> None:
    assert kind(effect=Effect.CREATES, purpose=Purpose.PAYMENT) == (Effect.CREATES, Purpose.PAYMENT)
    assert kind(effect=Effect.MOVES_MONEY) == (Effect.MOVES_MONEY, Purpose.OTHER)
