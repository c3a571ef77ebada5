"""Verified callbacks, typed. The signature is checked over the raw text first; only then is there an event.

    callbacks = PHCallbacks("the secret PayCools issued")
    event = callbacks.parse(raw_body)        # raises CallbackError

No I/O here, and no way around the check but `parse_unverified`.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs

from ..endpoint import Event
from ..errors import ConfigurationError
from ..families import FamilyName
from ..privacy.confidential import KeptHere, without_frames
from ..signing import PublicKey, Verifier, verifier_for
from .answers import GLOBAL_ACK, PH_ACK, Answer
from .errors import MalformedCallback, SignatureMismatch
from .event_table import EventTable
from .parsing import MAX_BODY, Body, flat_text, plain, read

__all__ = ["Callbacks", "GlobalCallbacks", "PHCallbacks", "Verified", "family_of"]

_NOTHING = (None, "")


@attrs.frozen
class Verified:
    """A verified event with the fields it was made from."""

    event: Event
    family: FamilyName
    content: Body

    @property
    def id(self) -> str:
        """The same for every delivery of one event: a hash of all its fields without `sign`, sorted."""
        fields = {
            name: value for name, value in self.content.members.items() if name != "sign" and value not in _NOTHING
        }
        return hashlib.sha256(f"{self.family}\n{json.dumps(fields, sort_keys=True)}".encode()).hexdigest()


def family_of(body: Body) -> FamilyName:
    """By shape: the Global API sends `{param, sign}`, the PH API flat fields."""
    return "global" if isinstance(body.members.get("param"), str) and "eventName" not in body.members else "ph"


class Callbacks(KeptHere):
    """What both families share."""

    family: ClassVar[FamilyName]

    def __init__(self, ack: Answer, table: EventTable, max_size: int) -> None:
        self.ack = ack
        self.table = table
        self._max_size = max_size

    @without_frames
    def parse(self, raw: bytes | str) -> Event:
        """The event, verified. Raises CallbackError: MalformedCallback or SignatureMismatch, and nothing else."""
        return self._event(self._check(read(raw, self._max_size)))

    @without_frames
    def parse_unverified(self, raw: bytes | str) -> Event:
        """The event without any check of who sent it: for looking at samples. Never act on it."""
        return self._event(self._content(read(raw, self._max_size)))

    @without_frames
    def verified(self, body: Body) -> Verified:
        """For callers that have read the body already."""
        content = self._check(body)
        return Verified(self._event(content), self.family, content)

    def _event(self, content: Body) -> Event:
        return self.table.event(plain(content.members))

    def _content(self, body: Body) -> Body:
        """The body whose members are the event's fields."""
        raise NotImplementedError

    def _check(self, body: Body) -> Body:
        """The verified body whose members are the event's fields, or a CallbackError."""
        raise NotImplementedError


_SHA1_HEX = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)


class _Secret(KeptHere):
    """A merchant's callback secret, closed: no repr, no `vars`, no pickle and no traceback's variables show it."""

    __slots__ = ("_suffix",)

    def __init__(self, suffix: bytes) -> None:
        self._suffix = suffix

    def signs(self, text: bytes, sign: str) -> bool:
        """Whether this is the sign of the text. The right one stands in no variable: a forger might get to see it."""
        digest = hashlib.sha1(text, usedforsecurity=False)
        digest.update(self._suffix)
        return hmac.compare_digest(digest.hexdigest(), sign)

    def __repr__(self) -> str:
        return "<callback secret>"


def _sealed(secret: str | Iterable[str]) -> list[_Secret]:
    """All of them closed; none where one of them is no secret."""
    found = [_seal(secret)] if isinstance(secret, str) else list(map(_seal, secret))
    return [] if None in found else [each for each in found if each is not None]


def _seal(secret: object) -> _Secret | None:
    if not isinstance(secret, str) or not secret.strip():
        return None
    try:
        return _Secret(f"&secret={secret}".encode())
    except UnicodeError:
        return None


class PHCallbacks(Callbacks):
    """Callbacks of the PH API: flat JSON whose `sign` is SHA-1, hex, over all fields and the merchant's secret.

    `secret`: the one PayCools issued for callbacks, or several while it changes. `names`: event names that PayCools
    told you, such as those of identity checks, and their classes. `max_size` in bytes.
    """

    family: ClassVar[FamilyName] = "ph"

    @without_frames
    def __init__(
        self,
        secret: str | Iterable[str],
        *,
        names: Mapping[str, type[Event]] | None = None,
        ack: Answer = PH_ACK,
        max_size: int = MAX_BODY,
    ) -> None:
        sealed = _sealed(secret)
        del secret  # what goes wrong from here on shows it to nobody who keeps the variables of a traceback
        if not sealed:
            raise ConfigurationError("the callback secret is empty, or is no text: anybody could sign callbacks")
        self._secrets = sealed
        super().__init__(ack, EventTable("ph", names), max_size)

    def _content(self, body: Body) -> Body:
        return body

    def _check(self, body: Body) -> Body:
        sign = body.members.get("sign")
        if type(sign) is not str or _SHA1_HEX.fullmatch(sign) is None:
            raise MalformedCallback("`sign` is missing, or is not 40 hex digits")
        text = flat_text(body, self.table.field_names)
        try:
            signed = text.encode("utf-8")
        except UnicodeError:
            raise MalformedCallback("half a surrogate pair") from None
        given = sign.lower()
        good = False
        for secret in self._secrets:
            good |= secret.signs(signed, given)
        if not good:
            raise SignatureMismatch("`sign` does not match: another secret, or the body was changed")
        return body

    def __repr__(self) -> str:
        return f"<PHCallbacks, {len(getattr(self, '_secrets', ()))} secrets>"  # also while it is being made


_LONGEST_SIGN = 2048


class GlobalCallbacks(Callbacks):
    """Callbacks of the Global API: `{param, sign}`, the signature PayCools' own over the exact text of `param`.

    `platform_public_key`: PayCools' (never your own), in any form `load_public_key` takes, or several while it changes.
    `country`: yours ("ID"), if it is one only: the country editions' events do not say where they come from.
    """

    family: ClassVar[FamilyName] = "global"

    def __init__(
        self,
        platform_public_key: PublicKey | str | bytes | Iterable[PublicKey | str | bytes],
        *,
        country: str | None = None,
        names: Mapping[str, type[Event]] | None = None,
        ack: Answer = GLOBAL_ACK,
        max_size: int = MAX_BODY,
    ) -> None:
        one = isinstance(platform_public_key, PublicKey | str | bytes)
        keys: list[Any] = [platform_public_key] if one else list(platform_public_key)  # type: ignore[arg-type]
        if not keys:
            raise ConfigurationError("the platform's public key is missing: anybody could sign callbacks")
        super().__init__(ack, EventTable("global", names, country.upper() if country else None), max_size)
        self._verifiers: list[Verifier] = [verifier_for(key) for key in keys]

    def _content(self, body: Body) -> Body:
        param = body.members.get("param")
        if type(param) is not str:
            raise MalformedCallback("`param` is missing, or is not a text")
        return read(param, self._max_size)

    def _check(self, body: Body) -> Body:
        sign, param = body.members.get("sign"), body.members.get("param")
        if type(param) is not str:
            raise MalformedCallback("`param` is missing, or is not a text")
        if type(sign) is not str or not 0 < len(sign) <= _LONGEST_SIGN:
            raise MalformedCallback("`sign` is missing, or is no signature")
        try:
            signature = binascii.a2b_base64(sign)
        except ValueError:
            raise MalformedCallback("`sign` is not Base64") from None
        if binascii.b2a_base64(signature, newline=False).decode("ascii") != sign:  # signs the decoder passed over
            raise MalformedCallback("`sign` is not Base64")
        signed = param.encode("utf-8")
        if not any(verifier.verify(signed, signature) for verifier in self._verifiers):
            raise SignatureMismatch("`sign` does not match: another platform key, or `param` was changed")
        return read(param, self._max_size)

    def __repr__(self) -> str:
        return f"<GlobalCallbacks, {len(getattr(self, '_verifiers', ()))} keys>"
