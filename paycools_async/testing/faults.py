"""Faults on demand: by rate, or for the next N requests, for all endpoints or for one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

import attrs

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
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, no secret
        self._faults: list[Fault] = []
        self.struck: dict[str, int] = {}
        """How often each kind has happened."""

    def drop_before(self, *, rate: float = 0.0, next: int = 0, only: str | None = None) -> None:
        """Cut the connection before the request is looked at: nothing is done."""
        self.add(Fault(kind="drop_before", rate=rate, next=next, only=only))

    def drop_after(self, *, rate: float = 0.0, next: int = 0, only: str | None = None) -> None:
        """Do the work, then cut the connection instead of answering."""
        self.add(Fault(kind="drop_after", rate=rate, next=next, only=only))

    def delay(self, seconds: float, *, rate: float = 0.0, next: int = 0, only: str | None = None) -> None:
        """Answer late."""
        self.add(Fault(kind="delay", seconds=seconds, rate=rate, next=next, only=only))

    def garbage(self, *, rate: float = 0.0, next: int = 0, only: str | None = None) -> None:
        """Do the work, then answer with half a JSON."""
        self.add(Fault(kind="garbage", rate=rate, next=next, only=only))

    def busy(
        self,
        code: int = 1018,
        *,
        rate: float = 0.0,
        next: int = 0,
        only: str | None = None,
        processed: bool = False,
    ) -> None:
        """Answer with a busy code (1013, 1018), without doing the work unless `processed`."""
        self.add(Fault(kind="busy", code=code, rate=rate, next=next, only=only, processed=processed))

    def refuse(self, code: int, message: str = "refused", *, next: int = 1, only: str | None = None) -> None:
        """Refuse the next requests of the API that has this code (21014: the Global API), without doing the work."""
        self.add(Fault(kind="refuse", code=code, message=message, next=next, only=only))

    def http_status(
        self,
        status: int = 502,
        *,
        rate: float = 0.0,
        next: int = 0,
        only: str | None = None,
        processed: bool = False,
    ) -> None:
        """Answer with an HTML page under another HTTP status, without doing the work unless `processed`."""
        self.add(Fault(kind="http_status", status=status, rate=rate, next=next, only=only, processed=processed))

    def add(self, fault: Fault) -> None:
        """Set up any fault."""
        self._faults.append(fault)

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
