"""The registry: every row of PayCools' navigation has its class, and an unsure path is never used in silence."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from support import strategies
from support.size import some

from paycools_async import (
    DoubtfulAccountWarning,
    Endpoint,
    EndpointUnpublishedError,
    GlobalCredentials,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    NotFound,
    OutcomeUnknown,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCredentials,
    Provenance,
    UnknownCodeWarning,
    UnverifiedEndpointWarning,
)
from paycools_async.cli.endpoint_table import all_endpoints
from paycools_async.signing import PrivateKey

ROWS = Path(__file__).parent / "data" / "endpoints.csv"
ENDPOINTS = all_endpoints()
FIRST = settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def of(provenance: Provenance) -> list[Endpoint]:
    return [entry for entry in ENDPOINTS if (entry.kind, entry.provenance) == ("request", provenance)]


def some_request(entry: Endpoint) -> Any:
    """A small valid request."""
    return find(strategies.instances(entry.request), lambda request: True, settings=FIRST)


HOSTS = {"ph": "https://api-uat.paycools.com", "global": "https://globalapi-dev.paycools.com:8902"}
NOT_FOUND = {"ph": 1008, "global": 21006}


class Network:
    """Counts what is sent, and answers with success and nothing else."""

    def __init__(self, key: PrivateKey) -> None:
        self.ph = PHCredentials(app_id="app", app_name="Shop", private_key=key)
        self.countries = GlobalCredentials(app_id="app", private_key=key)
        self.sent: list[HttpRequest] = []

    def client(self, entry: Endpoint, **options: Any) -> PayCoolsPH | PayCoolsGlobal:
        transport = MemoryTransport(lambda request: self._answer(entry, request))
        if entry.family == "ph":
            return PayCoolsPH(self.ph, transport=transport, **options)
        return PayCoolsGlobal(self.countries, transport=transport, **options)

    def _answer(self, entry: Endpoint, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(200, {}, b'{"code":%d,"message":"transaction not found"}' % NOT_FOUND[entry.family])


@pytest.fixture
def network(key: PrivateKey) -> Network:
    return Network(key)


@pytest.mark.parametrize("family", ["ph", "global"])
def test_every_row_of_the_navigation_has_its_class(family: str) -> None:
    with ROWS.open(encoding="utf-8", newline="") as file:
        wanted = {
            (row["id"], row["nav"], row["kind"], row["method"], row["path"] or None, row["provenance"])
            for row in csv.DictReader(file)
            if row["id"].startswith(f"{family}.")
        }
    found = {
        (entry.id, entry.nav, entry.kind, entry.method, entry.path, entry.provenance.value)
        for entry in ENDPOINTS
        if entry.family == family
    }
    assert found == wanted


def test_every_class_says_what_it_is_and_where_it_stands() -> None:
    for entry in ENDPOINTS:
        assert f"({entry.nav})" in (entry.request.__doc__ or ""), entry.id


SAID = {
    Provenance.INFERRED: ("inferred", "unverifiedendpointwarning"),
    Provenance.OBSERVED: ("observed", "integrator"),
    Provenance.UNPUBLISHED: ("unpublished",),
}


@pytest.mark.parametrize("provenance", SAID, ids=lambda provenance: provenance.value)
def test_an_unsure_path_is_called_so_in_its_docstring(provenance: Provenance) -> None:
    for entry in of(provenance):
        doc = (entry.request.__doc__ or "").lower()
        assert any(word in doc for word in SAID[provenance]), entry.id


@pytest.mark.filterwarnings(
    "ignore::paycools_async.UnknownCodeWarning", "ignore::paycools_async.DoubtfulAccountWarning"
)
@pytest.mark.parametrize("entry", some(of(Provenance.INFERRED), 6), ids=lambda entry: entry.id)
async def test_an_inferred_path_warns_once_per_client(network: Network, entry: Endpoint) -> None:
    request = some_request(entry)
    for _ in range(2):
        async with network.client(entry) as paycools:
            with pytest.warns(UnverifiedEndpointWarning, match=entry.id):
                await attempt(paycools, request)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UnverifiedEndpointWarning)
                await attempt(paycools, request)
    assert len(network.sent) == 4


@pytest.mark.parametrize("entry", some(of(Provenance.INFERRED), 6), ids=lambda entry: entry.id)
async def test_a_path_that_was_supplied_does_not_warn(network: Network, entry: Endpoint) -> None:
    async with network.client(entry, paths={entry.id: "/confirmed"}) as paycools:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UnverifiedEndpointWarning)
            warnings.simplefilter("ignore", UnknownCodeWarning)
            warnings.simplefilter("ignore", DoubtfulAccountWarning)
            await attempt(paycools, some_request(entry))
    (sent,) = network.sent
    assert sent.url.partition("?")[0] == HOSTS[entry.family] + "/confirmed"


@pytest.mark.parametrize("entry", of(Provenance.UNPUBLISHED), ids=lambda entry: entry.id)
async def test_an_unpublished_path_has_to_be_supplied(network: Network, entry: Endpoint) -> None:
    request = some_request(entry)
    async with network.client(entry) as paycools:
        with pytest.raises(EndpointUnpublishedError) as caught:
            await paycools.send(request)
    assert entry.id in str(caught.value)
    assert f'paths={{"{entry.id}": "/' in str(caught.value)
    assert network.sent == []
    async with network.client(entry, paths={entry.id: "/given"}) as paycools:
        await attempt(paycools, request)
    (sent,) = network.sent
    assert sent.url.partition("?")[0] == HOSTS[entry.family] + "/given"


async def attempt(paycools: PayCoolsPH | PayCoolsGlobal, request: Any) -> None:
    """Send it; the network knows of nothing. That is no refusal of a call that makes something."""
    with pytest.raises((NotFound, OutcomeUnknown)):
        await paycools.send(request)
