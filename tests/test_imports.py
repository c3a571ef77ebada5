"""Nothing is loaded before it is asked for; everything is there when it is."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import paycools_async
from paycools_async import global_api, ph

PACKAGE = Path(paycools_async.__file__).parent


def loaded_after(statements: str) -> set[str]:
    """The modules of a fresh interpreter that has run the statements."""
    program = f"{statements}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(json.loads(done.stdout))


def test_the_package_alone_loads_no_library() -> None:
    loaded = loaded_after("import paycools_async")
    assert not loaded & {"aiohttp", "asyncio", "attrs", "cattrs", "Crypto", "cryptography"}
    assert {name for name in loaded if name.startswith("paycools_async")} == {"paycools_async", "paycools_async.lazy"}


@pytest.mark.process
def test_a_client_loads_neither_aiohttp_nor_a_product_before_they_are_used() -> None:
    made = (
        "from paycools_async import PayCoolsPH, PHCredentials\n"
        "from paycools_async.testing.keys import generate_private_key\n"
        "paycools = PayCoolsPH(PHCredentials(app_id='a', app_name='A', private_key=generate_private_key()))\n"
    )
    loaded = loaded_after(made)
    assert not [name for name in loaded if name.split(".")[0] in ("aiohttp", "uvloop", "psycopg")]
    assert not [name for name in loaded if name.startswith("paycools_async.global_api.")]
    assert "paycools_async.ph.qrcode" not in loaded
    assert "paycools_async.ph.qrcode" in loaded_after(made + "paycools.qr")


def checked_names(package: Any) -> set[str]:
    """The names type checkers see: those under TYPE_CHECKING."""
    tree = ast.parse(Path(package.__file__).read_text("utf-8"))
    names: set[str] = set()
    for node in ast.walk(next(node for node in tree.body if isinstance(node, ast.If))):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module = __import__(f"{package.__name__}.{node.module}", fromlist=["__all__"])
            names |= set(module.__all__)
        elif isinstance(node, ast.ImportFrom):
            names |= {name.asname or name.name for name in node.names}
    return names


@pytest.mark.parametrize("package", [paycools_async, ph, global_api], ids=lambda package: package.__name__)
def test_the_names_type_checkers_see_are_those_that_are_there(package: Any) -> None:
    seen = checked_names(package)
    assert seen - set(package.__all__) <= {
        "batch",
        "callbacks",
        "durable",
        "global_api",
        "ph",
        "signing",
        "testing",
        "transports",
    }
    assert set(package.__all__) <= seen
    for name in seen:
        assert getattr(package, name) is not None
    assert set(dir(package)) >= set(package.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for package in (paycools_async, ph, global_api):
        with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
            package.Nothing  # noqa: B018
        assert not hasattr(package, "__nothing__")


def test_a_client_knows_its_products_and_nothing_else(key_pem: str) -> None:
    merchant = paycools_async.PHCredentials(app_id="a", app_name="A", private_key=key_pem)
    client = paycools_async.PayCoolsPH(merchant)
    assert {"payouts", "bills", "cpm"} <= set(dir(client))
    assert client.payouts is client.payouts
    with pytest.raises(AttributeError, match="PayCoolsPH has no attribute 'payout'"):
        client.payout  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_tested_is_what_the_gate_installed(pytestconfig: pytest.Config) -> None:
    """Without this folder on pytest's path, as in the gate, the package is the built wheel's."""
    from_folder = PACKAGE.parent in [Path(each) for each in pytestconfig.getini("pythonpath")]
    assert from_folder != ("site-packages" in PACKAGE.parts)


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each module is loaded in a fork")
def test_every_module_can_be_the_first_to_be_loaded() -> None:
    names = sorted(
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        if path.name != "__main__.py"
    )
    program = f"""
import importlib, os
for name in {names!r}:
    child = os.fork()
    if child == 0:
        importlib.import_module(name)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
print("all")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=PACKAGE.parent, timeout=1200
    )
    assert done.stdout == "all\n", done.stderr


# -- the command line -------------------------------------------------------------------------------------------------


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a command has loaded when it ends."""
    program = (
        "import atexit, json, sys; from paycools_async.cli import main\n"
        "atexit.register(lambda: open('loaded', 'w').write(json.dumps(list(sys.modules))))\n"
        f"sys.argv = {['paycools', *arguments]!r}; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stderr
    return set(json.loads((cwd / "loaded").read_text()))


def test_the_version_is_told_without_the_commands(tmp_path: Path) -> None:
    loaded = loaded_by("--version", cwd=tmp_path)
    assert not loaded & {"typer", "rich", "asyncio", "attrs", "pydantic"}
    assert {name for name in loaded if name.startswith("paycools_async")} == {
        "paycools_async",
        "paycools_async.cli",
        "paycools_async.lazy",
        "paycools_async.version",
    }


@pytest.mark.process
def test_who_checks_a_file_waits_for_no_client_and_no_other_command(tmp_path: Path) -> None:
    row = "PAY1,500.10,EWALLET,GCASH,09171234567,Juan Dela Cruz"
    header = "mch_order_id,amount,pay_method_code,ewallet_code,account_no,account_name"
    (tmp_path / "f.csv").write_text(f"{header}\n{row}\n")
    loaded = loaded_by("payouts", "check", "f.csv", cwd=tmp_path)
    assert "paycools_async.ph.payout" in loaded
    assert not loaded & {"aiohttp", "rich.progress", "psycopg", "paycools_async.client", "paycools_async.testing"}
    assert not [name for name in loaded if name.startswith(("paycools_async.global_api.", "paycools_async.callbacks"))]
