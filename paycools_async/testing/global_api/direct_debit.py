"""The fake's direct debit in the Global API; debits themselves are unified payments."""

from __future__ import annotations

from typing import Any

from ..server import direct_debit
from ..server.direct_debit import token_fields, tokens_of
from ..server.merchant import Merchant, Refusal, handles

__all__: list[str] = []


@handles("global.directdebit.authorize")
def authorize(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return direct_debit.authorize(merchant, fields, code=21002)


@handles("global.directdebit.authorization_query")
def authorization_query(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    found = [
        {"channelCode": authorization.channel_code, "payToken": token, **token_fields(merchant, authorization)}
        for token, authorization in tokens_of(merchant, fields)
        if authorization.country_code == fields["countryCode"]
    ]
    return {"userId": fields["userId"], "tokenList": found}


@handles("global.directdebit.authorization_cancel")
def authorization_cancel(merchant: Merchant, fields: dict[str, Any]) -> None:
    direct_debit.cancel(merchant, fields, unknown=Refusal(21024, "Invalid access token"))
