"""Where requests may go: to paths of the configured host alone, and to a host that is what it looks like."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine_stage import SUCCESS, Stage

from paycools_async import ConfigurationError, PayCoolsPH, PHCredentials
from paycools_async.config import check_base_url
from paycools_async.engine.paths import fill_path
from paycools_async.errors import InvalidRequest
from paycools_async.ph.bills import UpdateStaticVA
from paycools_async.signing import PrivateKey
from paycools_async.urls import is_local_host, is_loopback_host, is_public_address, path_fault

ODD_PATHS = {
    "another host by a user": "@evil.example/x",
    "another host by a port": ":8443@evil.example/x",
    "a longer host": ".evil.example/x",
    "a whole URL": "https://evil.example/x",
    "nothing": "",
    "no slash": "api/v1/x",
    "another host by two slashes": "//evil.example/x",
    "two slashes inside": "/api//x",
    "a query": "/api/v1/x?sign=1",
    "an empty query": "/api/v1/x?",
    "a fragment": "/api/v1/x#top",
    "a backslash": "/api\\x",
    "an encoded backslash": "/api/%5cx",
    "an encoded double slash": "/api/%2fx",
    "up, encoded with its slashes": "/api/x%2f..%2fadmin",
    "up": "/api/../admin",
    "up at the end": "/api/..",
    "up, encoded": "/api/%2e%2E/admin",
    "here": "/api/./x",
    "a blank": "/api/v1/x y",
    "a tab": "/api\t/x",
    "a new line": "/api/v1/x\r\nHost: evil.example",
    "a null": "/api/\0",
    "an encoded null": "/api/%00",
    "an encoded new line": "/api/%0d%0aX",
    "an invisible mark": "/api/\u200bx",
    "another alphabet": "/\u0430pi/x",
    "half an escape": "/api/%2",
    "a brace": "/api/{x}",
    "no text": None,
}


@pytest.mark.parametrize("path", ODD_PATHS.values(), ids=ODD_PATHS.keys())
async def test_a_call_goes_to_a_path_of_the_host_alone(key_pem: str, path: Any) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        for method in ("GET", "POST"):
            with pytest.raises(ConfigurationError, match=r"call: the path .*; nothing was sent"):
                await stage.client.call(method, path, {"mchOrderId": "O1"})
        assert stage.sent == []
        assert stage.client.in_doubt == ()


@pytest.mark.parametrize(
    "path", [path for name, path in ODD_PATHS.items() if name != "a brace"], ids=lambda path: repr(path)
)
def test_so_do_the_paths_that_a_client_is_given(key: PrivateKey, path: Any) -> None:
    merchant = PHCredentials(app_id="a", app_name="A", private_key=key)
    with pytest.raises(ConfigurationError, match=r"paths: the path of ph\.payout\.create "):
        PayCoolsPH(merchant, paths={"ph.payout.create": path})


@pytest.mark.parametrize("path", ["/api/v1/payout", "/a/~b/c_d-e.f/", "/a/A%2FB/c", "/a%20b", "/", "/a:b@c", "/x...y"])
async def test_a_plain_path_is_used_as_it_is(key_pem: str, path: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        await stage.client.call("POST", path, {})
        assert stage.sent[0].url == f"https://api-uat.paycools.com{path}"


@pytest.mark.parametrize("method", ["get", "", "GET /x", "POST\r\nX: y", "P\u00d6ST", None])
async def test_a_method_is_one(key_pem: str, method: Any) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        with pytest.raises(ConfigurationError, match="call: the method is GET, POST or another in capital letters"):
            await stage.client.call(method, "/api/v1/x", {})
        assert stage.sent == []


@pytest.mark.parametrize("value", ["..", "."])
def test_a_value_in_a_path_stays_in_its_place(value: str) -> None:
    endpoint = UpdateStaticVA.__endpoint__
    with pytest.raises(InvalidRequest, match="mchOrderId: leads to another path"):
        fill_path(endpoint, str(endpoint.path), {"mchOrderId": value})


@pytest.mark.parametrize(
    "path", ["/a/..;/b", "/a/.;x=1/b", "/%2e%2e;/b", "/%252e%252e/b", "/%25252e/b", "/a/..%3bx/b", "/a/%2e%2e%20/b"]
)
def test_what_another_server_reads_as_a_step_up_is_no_path(path: str) -> None:
    assert path_fault(path) is not None


@given(st.text(alphabet=st.sampled_from("/.%2feE5c\\@:?#a \t\0\u200b"), max_size=12))
def test_what_is_taken_for_a_path_leaves_the_host_alone(text: str) -> None:
    if path_fault(text) is None:
        parts = urlsplit("https://pay.example.ph" + text)
        assert (parts.netloc, parts.path, parts.query, parts.fragment) == ("pay.example.ph", text, "", "")


# --- the host ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://pay\u200b.example.ph", "base_url: character 12 is ZERO WIDTH SPACE (U+200B)"),
        ("\u2060https://pay.example.ph", "base_url: character 1 is WORD JOINER (U+2060)"),
        ("https://pay.example.ph\u202e", "base_url: character 23 is RIGHT-TO-LEFT OVERRIDE (U+202E)"),
        ("https://pay.exam\x00ple.ph", "base_url: character 17 is NULL (U+0000)"),
        ("https://pay.exam\x1bple.ph", "base_url: character 17 is ESCAPE (U+001B)"),
        ("https://pay.example.ph/a\u00adb", "base_url: character 25 is SOFT HYPHEN (U+00AD)"),
        ("https://pay.exam\tple.ph", "base_url: no blank belongs there"),
        ("https://pay.exam\u00a0ple.ph", "base_url: no blank belongs there"),
        ("https://p\u0430y.example.ph", "base_url: a host has letters a to z, digits, dots and hyphens; write an "),
        ("https://pay.example.ph\\.evil.example", "base_url: a host has letters a to z, digits, dots and hyphens"),
        ("https://pay%2eexample.ph", "base_url: a host has letters a to z"),
        ("https://pay.example.ph/a/../b", "base_url: the path may hold no . or .. between slashes"),
        ("https://pay.example.ph//b", "base_url: the path may hold no double or backward slash"),
        ("https://pay.example.ph/a\\b", "base_url: the path may hold letters, digits and the marks of a path"),
        ("https://me:word@pay.example.ph", "base_url: no user, query or fragment belongs there"),
        ("https://pay.example.ph/?a=1", "base_url: no user, query or fragment belongs there"),
        ("https://pay.example.ph/#a", "base_url: no user, query or fragment belongs there"),
    ],
)
def test_a_host_that_is_not_what_it_looks_like_is_refused_at_once(key: PrivateKey, url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(url)
    assert str(caught.value).startswith(message)
    assert "word" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        PayCoolsPH(PHCredentials(app_id="a", app_name="A", private_key=key), base_url=url)


@pytest.mark.parametrize(
    ("host", "loopback", "local"),
    [
        ("localhost", True, True),
        ("127.8.9.1", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("10.1.2.3", False, True),
        ("169.254.169.254", False, True),
        ("64:ff9b::a01:203", False, True),
        ("fe80::1%eth0", False, True),
        ("0.0.0.0", False, True),
        ("fec0::1", False, True),
        ("100.64.0.1", False, True),
        ("2001:0:7f00:1::1", False, True),
        ("2002:7f00:1::", True, True),
        ("::127.0.0.1", False, True),
        ("64:ff9b:1::808:808", False, True),
        ("64:ff9b::7f00:1", True, True),
        ("8.8.8.8", False, False),
        ("2001:4860:4860::8888", False, False),
        ("64:ff9b::808:808", False, False),
        ("pay.example.ph", False, False),
    ],
)
def test_which_hosts_are_inside(host: str, loopback: bool, local: bool) -> None:
    assert (is_loopback_host(host), is_local_host(host)) == (loopback, local)
    assert is_public_address(host) == (not local and host[0] in "286")
