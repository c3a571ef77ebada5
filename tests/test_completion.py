"""What an editor or a notebook shows of every call: its parameters, their types and values, and its text."""

from __future__ import annotations

import importlib.util
import inspect
import pydoc
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import pytest

from paycools_async import PayCoolsGlobal, PayCoolsPH, endpoints
from paycools_async.product import Call, Product
from paycools_async.testing import FakePayCools

needs_jedi = pytest.mark.skipif(importlib.util.find_spec("jedi") is None, reason="jedi is not installed")


def calls(product: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every call of a product and of those in it, as a person writes it."""
    for name in dir(type(product)):
        if isinstance(getattr(type(product), name), Call):
            yield f"{path}.{name}", getattr(product, name)
    for name in dir(product):
        inner = None if name.startswith("_") else getattr(product, name)
        if isinstance(inner, Product):
            yield from calls(inner, f"{path}.{name}")


@pytest.fixture
def clients(fake: FakePayCools) -> dict[str, Any]:
    return {
        "ph": PayCoolsPH(fake.ph_credentials, transport=fake.transport()),
        "countries": PayCoolsGlobal(fake.global_credentials, transport=fake.transport()),
    }


def every_call(clients: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        found
        for name, client in clients.items()
        for product in client._products
        for found in calls(getattr(client, product), f"{name}.{product}")
    ]


def test_every_call_has_parameters_a_result_and_a_text(clients: dict[str, Any]) -> None:
    found = every_call(clients)
    assert len(found) >= 60
    for path, call in found:
        shown = inspect.signature(call)
        assert all(each.annotation is not inspect.Parameter.empty for each in shown.parameters.values()), path
        assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in shown.parameters.values()), path
        assert shown.return_annotation is not inspect.Signature.empty, path
        page = pydoc.plain(pydoc.render_doc(call))
        assert f"{path.rpartition('.')[2]}(" in page
        assert str(inspect.getdoc(call)).splitlines()[0] in page


@needs_jedi
@pytest.mark.process  # it reads much of the package, as a type checker does
def test_a_notebook_completes_the_parameters_of_every_call(clients: dict[str, Any]) -> None:
    import jedi

    for path, call in every_call(clients):
        wanted = list(inspect.signature(call).parameters)
        shown = jedi.Interpreter(f"{path}(", [clients]).get_signatures()
        assert shown, path
        assert [parameter.name for parameter in shown[0].params] in (wanted, ["*", *wanted]), path
        assert str(inspect.getdoc(call)).splitlines()[0] in shown[0].docstring(), path


@needs_jedi
def test_an_editor_completes_products_and_calls_without_running_anything() -> None:
    import jedi

    source = (
        "from paycools_async import PayCoolsPH, PayCoolsGlobal\ndef f(ph: PayCoolsPH, countries: PayCoolsGlobal):\n"
    )
    for client, name in ((PayCoolsPH, "ph"), (PayCoolsGlobal, "countries")):
        offered = {each.name for each in jedi.Script(f"{source}    {name}.").complete()}
        assert {*client._products, "send", "exchange", "with_options", "callbacks"} <= offered
    offered = {each.name for each in jedi.Script(f"{source}    ph.payouts.").complete()}
    assert {"create", "query", "find", "resolve", "wait_until_final"} <= offered


def literals(hint: Any) -> tuple[Any, ...]:
    """The values that a type names, inside a union too."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(value for each in get_args(hint) for value in literals(each))


def ruled() -> Iterator[tuple[str, Any, Any]]:
    for entry in endpoints():
        if entry.kind == "request":
            hints = get_type_hints(entry.request)
            for field in attrs.fields(entry.request):
                rule = field.metadata.get("rule")
                if rule is not None and isinstance(rule.type, type) and rule.type in (str, int):
                    yield f"{entry.id} {field.name}", rule, hints[field.name]


def test_values_that_are_all_there_are_stand_in_the_type() -> None:
    closed = [(where, rule, hint) for where, rule, hint in ruled() if rule.values is not None]
    assert len(closed) > 30
    for where, rule, hint in closed:
        assert literals(hint) == tuple(rule.values), where
        assert str not in get_args(hint), where


def test_a_set_that_is_open_offers_what_is_known_and_takes_the_rest() -> None:
    offered = [(where, rule, hint) for where, rule, hint in ruled() if rule.values is None and literals(hint)]
    assert len(offered) >= 5
    for where, rule, hint in offered:
        assert literals(hint) == tuple(rule.known), where
        assert str in get_args(hint), where
