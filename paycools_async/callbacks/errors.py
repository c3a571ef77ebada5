"""What is wrong with a callback that is refused. No message ever holds a part of the body.

CallbackError                     refuse it: HTTP 400
+-- MalformedCallback             the body is none that PayCools sends
+-- SignatureMismatch             the body is not signed by PayCools, or was changed on the way
"""

from __future__ import annotations

from ..errors import PayCoolsError

__all__ = ["CallbackError", "MalformedCallback", "SignatureMismatch"]


class CallbackError(PayCoolsError):
    """The callback is refused; nothing in it may be believed."""


class MalformedCallback(CallbackError):
    """Not the JSON that PayCools sends: the message says what is wrong, without the content."""


class SignatureMismatch(CallbackError):
    """The signature is not PayCools' over this body. Check the secret or platform key of this environment."""
