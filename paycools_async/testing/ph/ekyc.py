"""The fake's eKYC (11.1 to 11.3). Its paths are unpublished: give the same `paths=` to the fake and to the client."""

from __future__ import annotations

from typing import Any

import attrs

from ..server.merchant import Merchant, handles

__all__ = ["EKYCRecords", "notify_ekyc"]


@attrs.define
class EKYCRecords:
    """What was asked of eKYC, and what it answers: `answers` by endpoint id, or else an echo of what it was sent."""

    asked: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    answers: dict[str, Any] = attrs.field(factory=dict)


def _ekyc(endpoint_id: str) -> None:
    def answer(merchant: Merchant, fields: dict[str, Any]) -> Any:
        records = merchant.of(EKYCRecords)
        records.asked.append((endpoint_id, fields))
        return records.answers.get(endpoint_id, fields)

    handles(endpoint_id)(answer)


_ekyc("ph.ekyc.init")
_ekyc("ph.ekyc.result")


def notify_ekyc(merchant: Merchant, fields: dict[str, Any]) -> None:
    """Queue an eKYC notification; its fields are yours to choose, none is published."""
    merchant.notify(fields)
