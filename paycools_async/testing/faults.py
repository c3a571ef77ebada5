"""Faults on demand: by rate, or for the next N requests, for all endpoints or for one."""

from __future__ import annotations

import difflib
import math
import random
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import attrs

from ..registry import endpoints
from ..renamed import old_names

__all__ = ["Fault", "Faults"]

Kind = Literal["drop_before", "drop_after", "delay", "garbage", "busy", "http_status", "refuse"]

_FIRST_GLOBAL_CODE = 10_000


@attrs.define(kw_only=True)
class Fault:
    """One fault and how often it happens."""

    kind: Kind
    rate: float = 0.0
    next: int = 0
    only: str | None = None
    """An endpoint id; None means all."""
    code: int = 1018
    status: int = 502
    seconds: float = 0.0
    processed: bool = False
    """Whether a busy or HTTP error answer comes after the work was done."""
    message: str = "refused"
    """PayCools' words, where it refuses."""

    def meets(self, endpoint_id: str) -> bool:
        """Whether it is for requests of this kind."""
        if self.only is not None:
            return self.only == endpoint_id
        return self.kind != "refuse" or (self.code >= _FIRST_GLOBAL_CODE) == endpoint_id.startswith("global.")


@old_names(strike="next_fault")
class Faults:
    """What goes wrong, and when.

    `rate` is a probability; `next` a number of coming requests; `only` an endpoint id. Of several faults that would
    meet one request the first set up does; `delay` adds itself to any other.

    A fault that could never happen is a ValueError: neither `next` nor `rate`, an id of no endpoint, a code of success.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, no secret
        self._faults: list[Fault] = []
        self.struck: dict[str, int] = {}
        """How often each kind has happened."""

    def drop_before(self, *, rate: float | None = None, next: int | None = None, only: str | None = None) -> None:
        """Cut the connection before the request is looked at: nothing is done."""
        self.add(Fault(kind="drop_before", **_often(rate, next), only=only))

    def drop_after(self, *, rate: float | None = None, next: int | None = None, only: str | None = None) -> None:
        """Do the work, then cut the connection instead of answering."""
        self.add(Fault(kind="drop_after", **_often(rate, next), only=only))

    def delay(
        self, seconds: float, *, rate: float | None = None, next: int | None = None, only: str | None = None
    ) -> None:
        """Answer late."""
        self.add(Fault(kind="delay", seconds=seconds, **_often(rate, next), only=only))

    def garbage(self, *, rate: float | None = None, next: int | None = None, only: str | None = None) -> None:
        """Do the work, then answer with half a JSON."""
        self.add(Fault(kind="garbage", **_often(rate, next), only=only))

    def busy(
        self,
        code: int = 1018,
        *,
        rate: float | None = None,
        next: int | None = None,
        only: str | None = None,
        processed: bool = False,
    ) -> None:
        """Answer with a busy code (1013, 1018), without doing the work unless `processed`."""
        self.add(Fault(kind="busy", code=code, **_often(rate, next), only=only, processed=processed))

    def refuse(self, code: int, message: str = "refused", *, next: int = 1, only: str | None = None) -> None:
        """Refuse the next requests of the API that has this code (21014: the Global API), without doing the work."""
        _often(None, next)
        self.add(Fault(kind="refuse", code=code, message=message, next=next, only=only))

    def http_status(
        self,
        status: int = 502,
        *,
        rate: float | None = None,
        next: int | None = None,
        only: str | None = None,
        processed: bool = False,
    ) -> None:
        """Answer with an HTML page under another HTTP status, without doing the work unless `processed`."""
        self.add(Fault(kind="http_status", status=status, **_often(rate, next), only=only, processed=processed))

    def add(self, fault: Fault) -> None:
        """Set up any fault. Raises ValueError where it could never happen as it is written."""
        _check_fault(fault)
        self._faults.append(fault)

    def replace(self, faults: Iterable[Fault]) -> None:
        """These in place of those that are set up. Raises ValueError as `add` does, and then changes nothing."""
        found = list(faults)
        for fault in found:
            _check_fault(fault)
        self._faults = found

    def clear(self) -> None:
        """No more faults."""
        self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        """Those that are set up."""
        return iter(self._faults)

    def next_fault(self, endpoint_id: str) -> tuple[Fault | None, float]:
        """What goes wrong with this request, if anything, and the seconds it is delayed."""
        found: Fault | None = None
        seconds = 0.0
        for fault in self._faults:
            if not fault.meets(endpoint_id) or (found is not None and fault.kind != "delay"):
                continue
            if fault.next > 0:
                fault.next -= 1
            elif not (fault.rate and self._random.random() < fault.rate):
                continue
            self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
            if fault.kind == "delay":
                seconds += fault.seconds
            else:
                found = fault
        return found, seconds


def _check_fault(fault: Fault) -> None:
    """Raises ValueError where something of it makes no sense."""
    if fault.kind not in get_args(Kind):
        raise ValueError(f"kind {fault.kind!r}: give one of {', '.join(get_args(Kind))}")
    if not _number(fault.rate) or not 0 <= fault.rate <= 1:
        raise ValueError(f"rate={fault.rate!r}: give a share from 0 to 1")
    if not _whole(fault.next) or fault.next < 0:
        raise ValueError(f"next={fault.next!r}: give a whole number of requests")
    if not _number(fault.seconds) or not 0 <= fault.seconds < math.inf:
        raise ValueError(f"seconds={fault.seconds!r}: give a number from 0 up")
    if fault.only is not None:
        _check_endpoint(fault.only)
    if fault.kind in ("refuse", "busy"):
        _check_code(fault.code, fault.only)


def _often(rate: float | None, next: int | None) -> dict[str, Any]:
    if rate is None and next is None:
        raise ValueError("say how often: next=1, or rate=0.05")
    if next is not None and (not _whole(next) or next < (1 if rate is None else 0)):
        raise ValueError(f"next={next!r}: give a whole number of requests, 1 or more")
    return {"rate": 0.0 if rate is None else rate, "next": 0 if next is None else next}


def _check_code(code: object, only: str | None) -> None:
    if not _whole(code):
        raise ValueError(f"code {code!r}: give a whole number, such as 1006")
    if any(code in each.success_codes for each in endpoints() if only in (None, each.id)):
        raise ValueError(f"code {code} means success; give one of PayCools' refusals, such as 1006")


def _check_endpoint(only: str) -> None:
    known = [each.id for each in endpoints() if each.kind == "request"]
    if only not in known:
        near = difflib.get_close_matches(str(only), known, 1)
        raise ValueError(f"only={only!r} is no endpoint's id" + (f"; is it {near[0]}?" if near else ""))


def _number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
