"""Every request class: what its rules allow arrives as it was meant, and what they forbid never leaves."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from support import strategies
from support.size import size, some

import paycools_async.global_api
import paycools_async.ph
from paycools_async import (
    Endpoint,
    InvalidRequest,
    PayCoolsError,
    PayCoolsGlobal,
    PayCoolsPH,
    Retry,
    endpoints,
    signing,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server import merchant as server

for _package in (paycools_async.ph, paycools_async.global_api):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)

REQUESTS = [
    entry for entry in endpoints() if entry.kind == "request" and entry.request.__module__.startswith("paycools_async.")
]
FEW = settings(
    max_examples=size(2, 6),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

by_id = pytest.mark.parametrize("entry", REQUESTS, ids=lambda entry: entry.id)


@attrs.frozen
class Line:
    """A client that talks to a fake which writes down every request it admits."""

    client: PayCoolsPH | PayCoolsGlobal
    runner: asyncio.Runner
    admitted: list[dict[str, Any]]

    def sent(self, request: Any) -> dict[str, Any]:
        self.admitted.clear()
        try:
            self.runner.run(self.client.send(request))
        except PayCoolsError as error:
            assert self.admitted, error  # the empty answer may not do; the request did  # noqa: PT017
        (fields,) = self.admitted
        return fields


@pytest.fixture(scope="module")
def lines(key_pem: str, other_key_pem: str) -> Iterator[dict[str, Line]]:
    """A line of each family."""
    signer = signing.signer_for(key_pem)

    class Inline:
        async def sign(self, text: bytes) -> bytes:
            return signer.sign(text)

    paths = {entry.id: f"/given/{entry.id}" for entry in REQUESTS if entry.path is None}
    fake = FakePayCools(
        clock=ManualClock(),
        private_key=key_pem,
        global_private_key=key_pem,
        platform_private_key=other_key_pem,
        paths=paths,
    )

    def options(family: str) -> dict[str, Any]:
        return {
            "transport": fake.transport(),
            "clock": fake.clock,
            "paths": {id: path for id, path in paths.items() if id.startswith(f"{family}.")},
            "signer": Inline(),
            "retry": Retry(attempts=1),
        }

    ph = PayCoolsPH(fake.ph_credentials, **options("ph"))
    countries = PayCoolsGlobal(fake.global_credentials, **options("global"))
    admitted: list[dict[str, Any]] = []

    def note(merchant: server.Merchant, fields: dict[str, Any]) -> dict[str, Any]:
        admitted.append(fields)
        return {}

    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        for entry in REQUESTS:
            patch.setitem(server.HANDLERS, entry.id, note)
        yield {"ph": Line(ph, runner, admitted), "global": Line(countries, runner, admitted)}
        runner.run(ph.aclose())
        runner.run(countries.aclose())


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


def on_the_wire(value: Any) -> Any:
    """What a value must arrive as."""
    if attrs.has(type(value)):
        found = {}
        for field in attrs.fields(type(value)):
            if field.name == "extra":
                continue
            item = getattr(value, field.name)
            if item is not None:
                found[field.metadata.get("wire") or camel(field.name)] = on_the_wire(item)
        return {**found, **(getattr(value, "extra", None) or {})}
    return [on_the_wire(item) for item in value] if isinstance(value, list) else value


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
@pytest.mark.filterwarnings(
    "ignore::paycools_async.UnknownCodeWarning", "ignore::paycools_async.DoubtfulAccountWarning"
)
@pytest.mark.parametrize("entry", some(REQUESTS, 30), ids=lambda entry: entry.id)
def test_a_valid_request_is_signed_sent_and_admitted_field_by_field(lines: dict[str, Line], entry: Endpoint) -> None:
    @FEW
    @given(strategies.instances(entry.request))
    def holds(request: Any) -> None:
        expected = on_the_wire(request)
        if entry.method == "GET":  # a query string has texts only; the fake knows numbers by the rules of known fields
            expected.update({name: str(value) for name, value in getattr(request, "extra", {}).items()})
        arrived = lines[entry.family].sent(request)
        assert {name: value for name, value in arrived.items() if name not in entry.client_fields} == expected

    holds()


@by_id
def test_one_broken_rule_is_refused_before_anything_is_signed_and_names_its_field(entry: Endpoint) -> None:
    @settings(FEW, max_examples=size(1, 2))
    @given(strategies.instances(entry.request))
    def holds(request: Any) -> None:
        for name, bad in strategies.violations(entry.request):
            with pytest.raises(InvalidRequest) as caught:
                attrs.evolve(request, **{name: bad})
            assert name in {error.field for error in caught.value.errors}, (name, bad)

    holds()


@by_id
def test_an_unknown_argument_is_an_error(entry: Endpoint) -> None:
    with pytest.raises(TypeError, match="mchOrderID"):
        entry.request(mchOrderID="1")
