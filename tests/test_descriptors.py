"""What `@endpoint` and `@callback` make of a class."""

from __future__ import annotations

import pytest

from paycools_async import endpoint as descriptors
from paycools_async.endpoint import GlobalRequest, PHRequest, Provenance, Wire, endpoint


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
