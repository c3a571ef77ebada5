"""Two signed requests that PayCools publishes, checked byte for byte.

Both are by one merchant. No page shows the merchant's public key, but two signatures give it away: its modulus divides
`signature**65537 - padded hash` of each, and nothing else of that size divides both. So the samples prove what is
signed (the text of `param` alone) and how (SHA-256, PKCS#1 v1.5).
"""

from __future__ import annotations

import base64
import json

import pytest
from Crypto.PublicKey import RSA

from paycools_async.signing import verifier_for
from paycools_async.testing.server import signatures as check

MODULUS = int(
    "8b71568c6e0d763612e2728676d5bafccd9a3c81704a3ad4987d78ad2356e1adac859f9c57b965f35db09c18801cd2eb"
    "f1380f33226705dfb8c9a2fb099611f702b947bb1696708913118eb25498f4342c86921f7faf8083bee1521226273b1e"
    "9dcc0f8253e2a5433ffbb52a5e2043218cc5bd63332ca5189c79abbd10bbc40e6557ee5a025e13bc00288febaac8e92e"
    "1e48ec069ed666eda6d56a49d68623868bf74694e3e863f49948fa9793eed740d940a09ae943d74e77459a13e5616724"
    "a9058ee5b5d49dd5d6b5cb9e491c56fb769a74f0905f3ba0e9bb307b9d8eb76acf41efd9f2d51404d45d8f393a2609f8"
    "ca8674635fc7c0907748ffcc036bf209",
    16,
)
APPLY = (
    '{"requestId":"Joey0ub5yxzecu4c866ub100","userId":"u0009","channelCode":"PH_GCASH_DIRECT_DEBIT","'
    'countryCode":"PH","notifyUrl":"https://webhook.site/b89c5e5f-3056-438f-8329-b39ff5a181de","redir'
    'ectUrl":"https://kademo.intlalipay.cn/melitigo/Test_113.html","terminalType":"WAP","osType":"AND'
    'ROID","timestamp":1726139239}'
)
APPLY_SIGN = (
    "MjlMdow07Ix0BFLIfLnm2PPdMK9t+yEyMSX4jkFxajdNcCRKu0P3N8BGQiKksY3xSmUR4Wr4k4+hBpzJGR6uEBFnn/LtqCxa"
    "hJYbPfgJd5IwNlbA3kzG7JtNWImJDxM7mfAgfsnI+HnGMlASO5gDbtpX7FyypzxoBuYTDtvftsdJ2o7kj27yK0eqYbDNhL9W"
    "OAakq55l4kf8KCbplDOWbAZVKzR0+mHPeVrA5aOISImsiPHTOKFBgEEjI713Xu0k1fmze+oMMXYvwS010EvQUSkrWa12j4P7"
    "C6+XDD6cRi3KMdzxKGDr0oDUMBa39lG2Gd94A8o96w06h+kfAd7OgA=="
)
QUERY = '{"userId":"u0009","countryCode":"PH","timestamp":1726137892}'
QUERY_SIGN = (
    "hu79rII/VwshksImrt5KHAHt8u+3qY4y+E/iAlYSYTRm3WYih+aLVV1Rmdm99b+MfYnkvSDgHjTDpUTSy2o4Q5QWyOJBC2BL"
    "oJv+ndjdysiGgHditCYgohY08FBEhgWtAX5GJG+rut9UxXnGeIob0tdemc2vJODaVJ4BZ0+iq7xQEl2MltiLpYBZnjvIsJoT"
    "YmyFwXeZ8zx+8iJ3nXHXwzspugXIlT0MiEouH0y+02RYOOmCZRmc1CgCywliS+3R+g/xLOK0m9tDGlXXg29NH4amJGqxQTFG"
    "zbDPLgrhrWbHsIBqfDDjRRGQrCufS3ZX3TuOGhOTPNKvBY8DTD/54A=="
)
PEM = RSA.construct((MODULUS, 65537)).export_key("PEM").decode()


@pytest.mark.parametrize(("param", "sign"), [(APPLY, APPLY_SIGN), (QUERY, QUERY_SIGN)], ids=["apply", "query"])
def test_the_published_signature_is_over_the_text_of_param_alone(param: str, sign: str) -> None:
    verifier = verifier_for(PEM)
    signature = base64.b64decode(sign)
    assert verifier.verify(param.encode(), signature)
    assert check.verifier(PEM)(param, sign)
    others = {
        "the PH checkout's rule": f"appId=b96f05030ffc411185c06f959e1c9210&param={param}",
        "sorted": json.dumps(json.loads(param), sort_keys=True, separators=(",", ":")),
        "with blanks": json.dumps(json.loads(param)),
    }
    for text in others.values():
        assert not verifier.verify(text.encode(), signature)


def test_the_samples_are_of_one_key() -> None:
    assert MODULUS.bit_length() == 2048
    assert not verifier_for(PEM).verify(APPLY.encode(), base64.b64decode(QUERY_SIGN))
