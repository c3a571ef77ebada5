"""Which event a verified body is: by its exact `eventName`, from the event classes of its family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ..converters import structure
from ..countries import COUNTRIES
from ..endpoint import Event, result
from ..families import FamilyName
from ..fields import wire_name
from ..registry import endpoints

__all__ = ["EventTable", "UnforeseenQuestion", "UnknownEvent", "is_question", "reference_of"]


@result
class UnknownEvent(Event):
    """A verified callback that this SDK has no event class for. Its fields are in `.raw`.

    `problem` is None for an event name that no document lists (new, or identity checks, whose names are unpublished).
    Otherwise the name is known and the fields are not those documented: `problem` says which, without their values.
    """

    event_name: str | None = None
    problem: str | None = None


@result
class UnforeseenQuestion(UnknownEvent):
    """A question (4.6) whose fields are not those documented. PayCools waits for an answer all the same."""

    is_question = True


def is_question(event: Event) -> bool:
    """Whether PayCools waits for a decision (4.6) and not for a receipt."""
    return event.is_question


_REFERENCES = (
    ("mch_order_id", "mchOrderId"),
    ("mch_refund_order_id", "mchRefundOrderId"),
    ("transaction_id", "transactionId"),
    ("refund_transaction_id", "refundTransactionId"),
    ("request_id", "requestId"),
)


def reference_of(event: Event) -> str:
    """An event for a log line: its class and ids, nothing personal."""
    raw = event.raw if isinstance(event, UnknownEvent) and isinstance(event.raw, dict) else {}
    found = [f"{name}={value}" for name, wire in _REFERENCES if (value := getattr(event, name, None) or raw.get(wire))]
    if isinstance(event, UnknownEvent):
        found.insert(0, f"eventName={event.event_name}")
    return " ".join([type(event).__name__, *(text.encode("unicode_escape").decode()[:120] for text in found)])


@attrs.frozen
class _Candidate:
    cls: type[Event]
    country: str | None
    """Of a class that is one country's; None where it is everybody's."""
    wanted: frozenset[str]
    known: frozenset[str]


def _candidate(cls: type[Event]) -> _Candidate:
    described: Any = cls
    fields = [field for field in attrs.fields(described) if field.name != "raw"]
    known = {wire_name(field) for field in fields}
    known.update(alias for field in fields for alias in field.metadata.get("aliases", ()))
    wanted = {wire_name(field) for field in fields if field.default is attrs.NOTHING}
    return _Candidate(cls, cls.country, frozenset(wanted), frozenset(known))


class EventTable:
    """Event names to classes. `names` adds names that PayCools told you; `country` is yours, if you have one only."""

    def __init__(
        self, family: FamilyName, names: Mapping[str, type[Event]] | None = None, country: str | None = None
    ) -> None:
        self._country = country
        self._by_name: dict[str, list[_Candidate]] = {}
        known: set[str] = {"eventName"}
        for entry in endpoints():
            if entry.kind == "callback" and entry.family == family:
                candidate = _candidate(entry.request)
                known |= candidate.known
                for name in entry.request.__event_names__:
                    self._by_name.setdefault(name, []).append(candidate)
        for name, cls in (names or {}).items():
            self._by_name[name] = [_candidate(cls)]
        self.field_names: frozenset[str] = frozenset(known)

    @property
    def classes(self) -> Iterable[type[Event]]:
        """Every class an event may come as."""
        return {candidate.cls: None for found in self._by_name.values() for candidate in found}

    def event(self, fields: dict[str, Any]) -> Event:
        """The typed event. Never fails: what fits no class is an UnknownEvent."""
        name = fields.get("eventName")
        candidates = self._by_name.get(name) if isinstance(name, str) else None
        if candidates is None:
            return UnknownEvent(event_name=name if isinstance(name, str) else None, raw=fields)
        cls = candidates[0].cls if len(candidates) == 1 else self._choose(candidates, fields)
        try:
            event: Event = structure(fields, cls)
        except ValueError as error:
            unknown = UnforeseenQuestion if cls.is_question else UnknownEvent
            return unknown(event_name=name, problem=f"{cls.__name__}: {error}", raw=fields)
        return event

    def _choose(self, candidates: list[_Candidate], fields: dict[str, Any]) -> type[Event]:
        """Of several classes with one event name, the one the fields speak for.

        The Global API's countries share event names, and nothing in the bodies of the country editions names the
        country, but that a `channelCode` may begin with it (ID_BCA_VA); else it is the `country` given by the merchant.
        Unified bodies have a `countryCode`, and classes that are no country's. Where nothing tells, no country may be
        claimed, for the amount's unit and the clock hang on it: then it is the class of no country, or the base class
        that the countries' classes share. Between what is left, the class whose documented fields fit best.
        """
        unified = [each for each in candidates if each.country is None]
        named, channel = fields.get("countryCode"), fields.get("channelCode")
        if not named and isinstance(channel, str) and channel[2:3] == "_" and channel[:2] in COUNTRIES:
            named = channel[:2]
        elif named and unified:
            named = None
        else:
            named = named or self._country
        found = [each for each in candidates if each.country == named] or unified
        if not found:
            return _shared_base(candidates)
        if len(found) == 1:
            return found[0].cls
        present = fields.keys()
        return max(found, key=lambda it: (it.wanted <= present, len(it.known & present), -len(it.wanted))).cls


def _shared_base(candidates: list[_Candidate]) -> type[Event]:
    first, *others = [each.cls for each in candidates]
    return next(base for base in first.__mro__ if all(issubclass(cls, base) for cls in others))
