"""A request *is* its descriptor: one frozen class per endpoint, its metadata on the class.

    @endpoint("ph.payout.create", "POST", "/api/v1/payout", nav="3.1", provenance=...)
    class CreatePayout(PHRequest[PayoutReceipt]):  # the result's class
        mch_order_id: str = order_id()

The decorator makes the class (attrs, frozen, keyword-only) and enters it in the registry that drives sending,
parsing, the fake, the documentation and the command line.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Any, ClassVar, Generic, Literal, TypeVar, dataclass_transform, get_args, get_origin

import attrs

from . import fields
from .countries import Country
from .errors import FieldError, InvalidRequest
from .families import FAMILIES, GLOBAL, PH, Family, FamilyName
from .jsonable import Jsonable
from .traits import Effect, Provenance, Purpose, Wire, effect_of, purpose_of

__all__ = [
    "Effect",
    "Endpoint",
    "Event",
    "GlobalRequest",
    "PHRequest",
    "Provenance",
    "Purpose",
    "Request",
    "Result",
    "Wire",
    "callback",
    "endpoint",
    "registered",
    "result",
    "shared",
]

R = TypeVar("R")
C = TypeVar("C", bound=type)


@attrs.frozen(kw_only=True)
class Endpoint:
    """One row of PayCools' navigation."""

    id: str
    nav: str
    kind: Literal["request", "callback"]
    method: str
    path: str | None
    provenance: Provenance
    family: FamilyName
    request: type[Any]
    returns: Any
    country: str | None = None
    """The code of the country, of an endpoint that is one country's."""
    effect: Effect = Effect.READS
    purpose: Purpose = attrs.field(default=attrs.Factory(lambda self: purpose_of(self.effect), takes_self=True))
    wire: Wire = attrs.field(default=attrs.Factory(lambda self: self.api.wire, takes_self=True))
    client_fields: tuple[str, ...] = attrs.field(
        default=attrs.Factory(lambda self: self.api.client_fields, takes_self=True)
    )
    """The wire fields that the client fills in besides `appId` and `sign`."""
    success_codes: frozenset[int] = attrs.field(
        default=attrs.Factory(lambda self: self.api.success_codes, takes_self=True)
    )

    @property
    def api(self) -> Family:
        """The API it belongs to, with what holds for all of it."""
        return FAMILIES[self.family]

    @property
    def fills(self) -> tuple[str, ...]:
        """Deprecated: `client_fields`."""
        warnings.warn("Endpoint.fills is now called client_fields", DeprecationWarning, stacklevel=2)
        return self.client_fields

    @property
    def moves_or_creates(self) -> bool:
        """Whether a second call would do a second thing: anything but a read."""
        return self.effect is not Effect.READS


_REGISTRY: dict[str, Endpoint] = {}


def registered() -> list[Endpoint]:
    """The descriptors of all classes made so far. `paycools_async.endpoints()` has them all."""
    return list(_REGISTRY.values())


def _register(entry: Endpoint) -> None:
    if entry.id in _REGISTRY:
        raise ValueError(f"two classes for {entry.id}")
    _REGISTRY[entry.id] = entry


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(
        attrs.field,
        fields.text,
        fields.account,
        fields.payee,
        fields.code,
        fields.phone,
        fields.order_id,
        fields.minor_units,
        fields.integer,
        fields.choice,
        fields.day,
        fields.items,
        fields.codes,
        fields.mobile,
        fields.extra_fields,
    ),
)
class Request(Generic[R]):
    """Base of all requests; `R` is the type of the result. Checks every field rule when made."""

    __slots__ = ()
    __endpoint__: ClassVar[Endpoint]
    __family__: ClassVar[Family]
    __client_fields__: ClassVar[tuple[str, ...]]
    """The wire fields that the client fills in besides `appId` and `sign`, unless the endpoint says otherwise."""

    def __attrs_post_init__(self) -> None:
        broken = self._broken_rules()
        broken += self._cross_checks()
        if broken:
            told_once = dict.fromkeys(broken)  # a rule of the field and one between fields may see the same
            raise InvalidRequest(type(self).__name__, list(told_once))

    def _broken_rules(self) -> list[FieldError]:
        broken = []
        for name, rule, optional, quick in _rules(type(self)):
            value = getattr(self, name)
            if (value is None and optional) or (type(value) is rule.type and quick(value)):
                continue
            if type(value) is fields.Made and name == "idempotency_id":
                continue  # what is wrong with an id that is made from the order's is told of that
            broken += [FieldError(name, reason) for reason in rule.broken_by(value)]
        for name in _unruled(type(self)):
            value = getattr(self, name)
            faults = fields.text_faults_in(value) if name != "extra" else self._extra_faults(value)
            broken += [FieldError(name, reason) for reason in faults]
        return broken

    def _extra_faults(self, extra: Any) -> list[str]:
        if type(extra) is dict and not extra:
            return []
        cls: Any = type(self)
        names = (name for field in attrs.fields(cls) for name in (field.name, fields.wire_name(field)))
        return fields.extra_faults(extra, {*names, *self.__endpoint__.client_fields, *_CLIENT_FIELDS} - {"extra"})

    def _doubts(self) -> Iterator[FieldError]:
        """What a person should look at, though no page forbids it; a product overrides it."""
        return iter(())

    def _cross_checks(self) -> Iterator[FieldError]:
        """Rules between fields; a product overrides it."""
        return iter(())


class PHRequest(Request[R]):
    """A request of the PH API."""

    __slots__ = ()
    __family__ = PH
    __client_fields__: ClassVar[tuple[str, ...]] = PH.client_fields


class GlobalRequest(Request[R]):
    """A request of the Global API."""

    __slots__ = ()
    __family__ = GLOBAL
    __client_fields__: ClassVar[tuple[str, ...]] = GLOBAL.client_fields


_CLIENT_FIELDS = ("appId", "appName", "param", "sign", "timestamp")
"""Wire fields of one API or the other that the client fills in: no endpoint has one of its own under these names."""

_Checked = tuple[str, fields.Rule, bool, Callable[[Any], object]]
_RULES: dict[type, tuple[_Checked, ...]] = {}
_UNRULED: dict[type, tuple[str, ...]] = {}


def _rules(cls: type) -> tuple[_Checked, ...]:
    found = _RULES.get(cls)
    if found is None:
        found = _RULES[cls] = tuple(
            (field.name, rule, field.default is None, rule.quick)
            for field in attrs.fields(cls)
            if (rule := _rule_of(cls, field)) is not None
        )
    return found


def _rule_of(cls: Any, field: attrs.Attribute[Any]) -> fields.Rule | None:
    """What is asked about was named before there was this rule, so only an order that is made obeys all of it."""
    rule: fields.Rule | None = field.metadata.get("rule")
    if rule is not None and field.name == "mch_order_id" and cls.__endpoint__.moves_or_creates:
        return attrs.evolve(rule, is_a_new_order=True)
    return rule


def _unruled(cls: type) -> tuple[str, ...]:
    """The fields that hold objects of any form, `extra` among them: their texts obey the one rule too."""
    found = _UNRULED.get(cls)
    if found is None:
        found = _UNRULED[cls] = tuple(field.name for field in attrs.fields(cls) if "rule" not in field.metadata)
    return found


def shared(cls: C) -> C:
    """Make a base class of requests, or of an object inside them. It is no endpoint itself."""
    made: Any = attrs.frozen(kw_only=True)(cls)
    _with_care(made)
    return made  # type: ignore[no-any-return]


def _with_care(cls: Any) -> None:
    """The constructor lets no frame out in which accounts and names stand plainly, and copies get ids of their own.

    A copy (`attrs.evolve`, which hands on every field) makes its idempotency id anew, unless one had been given:
    PayCools pays only one of two orders with the same idempotency id. Where one that was made for another order is
    handed on alone, nobody can know whether only one is to be paid or both: that is refused.
    """
    every = frozenset(field.alias for field in attrs.fields(cls) if field.init)
    own = attrs.fields(cls).idempotency_id.default.factory if "idempotency_id" in every else None
    init = cls.__init__

    @functools.wraps(init)
    def guarded(self: Any, **given: Any) -> None:
        made = own is not None and type(given.get("idempotency_id")) is fields.Made
        if made and given.keys() >= every:
            del given["idempotency_id"]
        try:
            init(self, **given)
        except Exception as error:  # noqa: BLE001 - it goes on, without its frames
            del given
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        if made and own is not None and self.idempotency_id != own(self):
            del given
            raise InvalidRequest(type(self).__name__, [FieldError("idempotency_id", _OF_ANOTHER)])

    cls.__init__ = guarded


_OF_ANOTHER = (
    "was made for another order: leave it out, and this one is paid too; give it as str(...), and PayCools pays only "
    "one of the two"
)


def _result_of(cls: type) -> Any:
    """The `R` of a `Request[R]`, also where it is given to a shared base or by one."""
    for base in cls.__mro__:
        for generic in base.__dict__.get("__orig_bases__", ()):
            origin = get_origin(generic)
            if isinstance(origin, type) and issubclass(origin, Request):
                (found,) = get_args(generic)
                if not isinstance(found, TypeVar):
                    return found
    raise TypeError(f"{cls.__name__}: which result? Write PHRequest[Receipt], or give returns=")


def endpoint(
    id: str,
    method: Literal["GET", "POST"],
    path: str | None,
    *,
    nav: str,
    provenance: Provenance,
    country: Country | None = None,
    returns: Any = None,
    effect: Effect | None = None,
    purpose: Purpose | None = None,
    wire: Wire | None = None,
    client_fields: tuple[str, ...] | None = None,
    success_codes: frozenset[int] | None = None,
    fills: tuple[str, ...] | None = None,
) -> Callable[[C], C]:
    """Make a request class and enter it in the registry. What it returns is the `R` of its `Request[R]`.

    `country` is that of an endpoint which is one country's. `returns` is for a class that cannot say it otherwise.
    `client_fields` names the wire fields that the client fills in besides `appId` and `sign`: "appName", "timestamp".
    They, the wire form and the codes that mean success are those of the base class and the family unless given.
    `purpose` says which of PayCools' codes refuse the call, and what it does unless `effect` says so; without either it
    reads. `fills` is the former name of `client_fields`.
    """
    if fills is not None:
        warnings.warn("endpoint(fills=...) is now called client_fields", DeprecationWarning, stacklevel=2)
        client_fields = fills

    does = effect or effect_of(purpose or Purpose.READ)

    def make(cls: C) -> C:
        made: Any = attrs.frozen(kw_only=True)(cls)
        _with_care(made)
        family: Family = made.__family__
        made.__endpoint__ = Endpoint(
            id=id,
            nav=nav,
            kind="request",
            method=method,
            path=path,
            provenance=provenance,
            family=family.name,
            request=made,
            returns=_result_of(made) if returns is None else returns,
            country=None if country is None else country.code,
            effect=does,
            purpose=purpose or purpose_of(does),
            wire=wire or family.wire,
            client_fields=made.__client_fields__ if client_fields is None else client_fields,
            success_codes=success_codes or family.success_codes,
        )
        _register(made.__endpoint__)
        return made  # type: ignore[no-any-return]

    return make


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(attrs.field, fields.text))
def result(cls: C) -> C:
    """Make a result class: frozen, keyword-only, with every field PayCools sent in `.raw`."""
    return attrs.frozen(kw_only=True)(cls)


@result
class Result(Jsonable):
    """Base of all results. `.raw` holds what PayCools sent, unknown fields included (not shown in `repr`)."""

    raw: Any = attrs.field(default=None, repr=False, eq=False)

    @classmethod
    def _zone(cls, raw: Any) -> tzinfo | None:
        """The zone of this answer's times that name none; None is Philippine time."""
        return None


@result
class Event(Result):
    """Base of all callback events."""

    __endpoint__: ClassVar[Endpoint]
    __event_names__: ClassVar[tuple[str, ...]] = ()
    country: ClassVar[str | None] = None
    """The code of the country, of an event that is one country's."""
    is_question: ClassVar[bool] = False
    """Whether PayCools waits for a decision and not for a receipt."""
    subject_fields: ClassVar[tuple[str, ...]] = ("transaction_id", "refund_transaction_id", "request_id")
    status_fields: ClassVar[tuple[str, ...]] = ("transaction_status", "refund_status", "token_status")
    not_yet: ClassVar[frozenset[str]] = frozenset({"PENDING", "PROCESS", "PROCESSING"})
    """Words for a status that a later event overtakes. An unknown word is none: it may be news."""
    ended: ClassVar[frozenset[str]] = frozenset({"INACTIVED"})
    """Words for a status that no other may overtake."""

    @property
    def subject(self) -> str | None:
        """The id of what it tells of, by which events of one thing are told from others; None where it has none."""
        return next((value for name in self.subject_fields if (value := getattr(self, name, None))), None)

    @property
    def status(self) -> str | None:
        """The word for where its subject stands; the event's name where it has no status."""
        found = (getattr(self, name, None) for name in self.status_fields)
        return next((str(value) for value in found if value is not None), getattr(self, "event_name", None))

    @property
    def rank(self) -> int:
        """Which of two events of a subject is the later news, in whatever order they come: 0, 1 or 2."""
        status = self.status
        return 0 if status in self.not_yet else 2 if status in self.ended else 1


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(attrs.field, fields.text))
def callback(
    id: str,
    *event_names: str,
    nav: str,
    provenance: Provenance,
    country: Country | None = None,
    family: FamilyName | None = None,
) -> Callable[[C], C]:
    """Make a callback event class and enter it in the registry. Its family is the one its id begins with."""
    of_family = family or (GLOBAL if id.startswith("global.") else PH).name

    def make(cls: C) -> C:
        made: Any = attrs.frozen(kw_only=True)(cls)
        made.__event_names__ = event_names
        if country is not None:
            made.country = country.code
        made.__endpoint__ = Endpoint(
            id=id,
            nav=nav,
            kind="callback",
            method="POST",
            path=None,
            provenance=provenance,
            family=of_family,
            request=made,
            returns=None,
            country=made.country,
        )
        _register(made.__endpoint__)
        return made  # type: ignore[no-any-return]

    return make
