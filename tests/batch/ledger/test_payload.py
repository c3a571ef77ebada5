"""An order that a ledger keeps: what is sent from its frozen fields is what the request itself would send."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import strategies

from paycools_async import OutcomeUnknown
from paycools_async.batch import PHPayouts
from paycools_async.batch.ledger.payload import body_of, request_of, wire_fields_of
from paycools_async.batch.run.payout_api import payout_request
from paycools_async.converters import unstructure
from paycools_async.countries import PAYOUT_COUNTRIES
from paycools_async.global_api.countries.indonesia import QueryIndonesianPayout
from paycools_async.global_api.countries.malaysia import QueryMalaysianPayout
from paycools_async.global_api.countries.philippines import QueryPhilippinePayout
from paycools_async.global_api.countries.thailand import QueryThaiPayout
from paycools_async.ph.payout import CreatePayout, QueryPayout
from paycools_async.testing import FakePayCools

PAYOUTS = [CreatePayout, *(payout_request(country) for country in PAYOUT_COUNTRIES)]


@pytest.mark.parametrize("request_class", PAYOUTS)
@given(data=st.data())
def test_the_frozen_fields_are_those_that_travel_in_their_order(request_class: type[Any], data: st.DataObject) -> None:
    request = data.draw(strategies.instances(request_class))
    body = body_of(request)
    assert list(wire_fields_of(body, request_class).items()) == list(unstructure(request).items())
    assert request_of(body, request_class) == request


@pytest.mark.parametrize(
    "query", [QueryPayout, QueryPhilippinePayout, QueryIndonesianPayout, QueryMalaysianPayout, QueryThaiPayout]
)
def test_a_batch_inquires_with_the_field_that_the_request_itself_would_send(query: Any) -> None:
    assert unstructure(query(mch_order_id="ORDER1")) == {"mchOrderId": "ORDER1"}


async def test_what_was_sent_stays_unclear_even_if_todays_rules_would_refuse_it(
    api: PHPayouts, fake: FakePayCools
) -> None:
    planned = {"mch_order_id": "ORDER1", "amount": 1, "pay_method_code": "BANK", "account_no": "1", "account_name": "Ñ"}
    _, send = api.prepare(json.dumps(planned))
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await send(not_after=math.inf)
    assert (caught.value.operation, caught.value.order_id) == ("ph.payout.create", "ORDER1")
    assert ".request" not in str(caught.value), "the ledger holds it"
