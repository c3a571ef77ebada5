"""What moves money is written once, by whatever method; what only reads may be written again, and is counted."""

from __future__ import annotations

import pytest
from support.engine_stage import says
from support.fault_server import Connection, FaultServer, answer
from support.transport_stage import BODY, post, raised

from paycools_async import (
    AiohttpTransport,
    Effect,
    GetBalance,
    HttpRequest,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PHCredentials,
    Retry,
)
from paycools_async.errors import TransportError

METHODS = ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "POST", "PATCH"]


async def always(connection: Connection) -> None:
    while True:
        await connection.request()
        await connection.write(answer("200 OK", BODY))


async def second_dies(connection: Connection) -> None:
    """Answers the first request of the first connection, and drops it under the second."""
    if connection.server.accepted > 1:
        await always(connection)
    await connection.request()
    await connection.write(answer("200 OK", BODY))
    await connection.request()
    connection.reset()


@pytest.mark.parametrize("method", METHODS)
async def test_over_a_dead_connection_what_is_for_once_is_not_repeated(network: AiohttpTransport, method: str) -> None:
    async with FaultServer(second_dies) as server:
        request = HttpRequest(method, server.url + "/pay", {}, None if method == "GET" else b"{}", 5.0, once=True)
        await network.send(post(server.url))
        error = await raised(network.send(request))
        assert (error.outcome, len(server.requests)) == (Outcome.UNKNOWN, 2)
        assert request.departure.times == 1


async def test_a_read_may_be_repeated_by_the_library_and_is_counted(network: AiohttpTransport) -> None:
    async with FaultServer(second_dies) as server:
        await network.send(HttpRequest("GET", server.url + "/a", {}, None, 5.0))
        request = HttpRequest("GET", server.url + "/b", {}, None, 5.0)
        assert (await network.send(request)).body == BODY
        assert (request.departure.times, len(server.requests)) == (2, 3)


@pytest.fixture
def merchant(key_pem: str) -> PHCredentials:
    return PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key_pem)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_call_that_moves_money_leaves_once_by_any_method(merchant: PHCredentials, method: str) -> None:
    async with FaultServer(second_dies) as server, PayCoolsPH(merchant, base_url=server.url) as client:
        await client.call("POST", "/api/v1/warm", {})
        with pytest.raises(OutcomeUnknown) as caught:
            await client.call(method, "/api/v1/pay", {"mchOrderId": "O1"}, effect=Effect.MOVES_MONEY)
        assert isinstance(caught.value.__cause__, TransportError)
        assert len(server.requests) == 2
        assert [entry.order_id for entry in client.in_doubt] == ["O1"]


async def test_the_attempts_of_a_read_are_those_that_left(merchant: PHCredentials) -> None:
    async def script(connection: Connection) -> None:
        body = says(1000, data={"balance": 1, "frozenBalance": 0, "availableBalance": 1}).body
        first = connection.server.accepted == 1
        await connection.request()
        await connection.write(answer("200 OK", body))
        await connection.request()
        if first:
            connection.reset()
        else:
            await connection.write(answer("200 OK", body))

    async with FaultServer(script) as server:
        async with PayCoolsPH(merchant, base_url=server.url, retry=Retry(attempts=1)) as client:
            assert (await client.exchange(GetBalance())).attempts == 1
            assert (await client.exchange(GetBalance())).attempts == 2
        assert len(server.requests) == 3
