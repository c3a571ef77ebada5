"""A client over a scripted network, in memory and on a manual clock."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from paycools_async import (
    CreatePayout,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    OutcomeUnknown,
    Pace,
    PayCoolsPH,
    PHCredentials,
    QueryPayout,
    Retry,
    errors,
)
from paycools_async.errors import ApiError, DeadlineExceeded, PayCoolsError, TransportError, UnexpectedAnswer
from paycools_async.signing import PrivateKey, Signer, load_private_key, signer_for
from paycools_async.testing import ManualClock

ORDER = CreatePayout(
    mch_order_id="ORDER0000001",
    amount=50010,
    pay_method_code="EWALLET",
    ewallet_code="GCASH",
    account_no="09171234567",
    account_name="Juan Dela Cruz",
)
QUERY = QueryPayout(mch_order_id="ORDER0000001")

Step = HttpResponse | BaseException | Callable[[HttpRequest], HttpResponse]


def says(code: Any, message: str = "", *, status: int = 200, data: Any = None, **headers: str) -> HttpResponse:
    """PayCools' envelope."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, names, json.dumps({"code": code, "message": message, "data": data}).encode())


SUCCESS = says(1000, "success", data={"transactionId": "C1", "transactionStatus": "PENDING"})
FOUND = says(1000, data={"mchOrderId": "ORDER0000001", "transactionId": "D1", "transactionStatus": "PENDING"})
REFUSED = TransportError("refused; nothing was sent", outcome=Outcome.NOT_SENT)
RESET = TransportError("reset; the request had been sent")
LATE = DeadlineExceeded("no answer in time; the request had been sent", outcome=Outcome.UNKNOWN)
HTML = HttpResponse(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>")


@functools.cache
def loaded(key_pem: str) -> tuple[PrivateKey, Signer]:
    """Key and signer, parsed once for all these tests."""
    key = load_private_key(key_pem)
    return key, signer_for(key)


class Stage:
    """A client whose network follows a script, step by step; the last step is repeated."""

    def __init__(self, key_pem: str, *steps: Step, **options: Any) -> None:
        self.clock = ManualClock()
        self.steps = list(steps)
        self.sent: list[HttpRequest] = []
        self.at: list[float] = []
        key, signer = loaded(key_pem)
        credentials = PHCredentials(
            app_id="APP1", app_name="Sari Sari", private_key=key, callback_secret="callback secret"
        )
        options.setdefault("signer", signer)
        options.setdefault("retry", Retry(attempts=3))
        options.setdefault("pace", Pace(first_pause=0.25, clock=self.clock))
        self.client = PayCoolsPH(credentials, transport=MemoryTransport(self.handle), clock=self.clock, **options)

    def handle(self, request: HttpRequest) -> HttpResponse:
        step = self.steps[min(len(self.sent), len(self.steps) - 1)]
        self.sent.append(request)
        self.at.append(self.clock.monotonic())
        if isinstance(step, BaseException):
            raise step
        return step(request) if callable(step) else step

    async def __aenter__(self) -> Stage:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()


U, R, N, D = Outcome.UNKNOWN, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.DUPLICATE
Row = tuple[Step, int, type[PayCoolsError], Outcome, int, type[PayCoolsError], Outcome]
TABLE: dict[str, Row] = {
    # what happens, every time       a read: attempts, error, outcome          money or creation: the same
    "nothing was sent": (REFUSED, 3, TransportError, N, 3, TransportError, N),
    "reset": (RESET, 3, TransportError, U, 1, OutcomeUnknown, U),
    "late": (LATE, 3, DeadlineExceeded, U, 1, OutcomeUnknown, U),
    "busy 1013": (says(1013), 3, errors.RateLimited, R, 1, errors.RateLimited, R),
    "busy 1018": (says(1018), 3, errors.TransientError, R, 1, OutcomeUnknown, U),
    "system error 1503": (says(1503), 3, errors.TransientError, R, 1, OutcomeUnknown, U),
    "HTTP 429": (HttpResponse(429, {}, b"slow"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502": (HTML, 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502, success": (says(1000, status=502), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 502, refusal": (says(1006, status=502), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 404, not found": (says(1008, status=404), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 307": (HttpResponse(307, {"Location": "/"}, b""), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 404": (HttpResponse(404, {}, b"?"), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "HTTP 204": (HttpResponse(204, {}, b""), 1, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "cut-off JSON": (HttpResponse(200, {}, b'{"code":1000,"da'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "no JSON": (HttpResponse(200, {}, b"\xff"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "NaN in JSON": (HttpResponse(200, {}, b'{"code":1000,"data":NaN}'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "deep JSON": (HttpResponse(200, {}, b"[" * 100_000), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "empty": (HttpResponse(200, {}, b""), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "no code": (HttpResponse(200, {}, b'{"data":{}}'), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code null": (says(None), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code true": (says(True), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "code a word": (says("OK"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "a list": (HttpResponse(200, {}, b"[1000]"), 3, UnexpectedAnswer, U, 1, OutcomeUnknown, U),
    "duplicate": (says(1012), 1, errors.DuplicateOrder, D, 1, errors.DuplicateOrder, D),
    "refusal": (says(1006), 1, errors.InsufficientBalance, R, 1, errors.InsufficientBalance, R),
    "unlisted code": (says(4711, "new"), 1, ApiError, R, 1, OutcomeUnknown, U),
    "a refund's refusal": (says(1505), 1, errors.RefundRefused, R, 1, OutcomeUnknown, U),
    "another call's success": (says(10000), 1, ApiError, R, 1, OutcomeUnknown, U),
    "a number beyond all bounds": (
        HttpResponse(200, {}, b'{"code":1000,"data":{"transactionId":1e99999999999999999999}}'),
        3,
        UnexpectedAnswer,
        U,
        1,
        OutcomeUnknown,
        U,
    ),
}
