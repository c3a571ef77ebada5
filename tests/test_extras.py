"""What is missing, or too old, is said or done without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paycools_async.errors import ConfigurationError
from paycools_async.openssl import has_openssl
from paycools_async.signing import PrivateKey, signer_for, verifier_for
from paycools_async.signing.pycryptodome import PycryptodomeSigner, PycryptodomeVerifier
from paycools_async.testing import generate_private_key

IMPORTS = """
import asyncio, importlib
modules = ("batch.ledger.postgres.ledger", "batch.ledger.postgres.schema", "batch.run.worker", "callbacks.postgres")
for module in modules:
    try:
        importlib.import_module(f"paycools_async.{module}")
    except ModuleNotFoundError as error:
        print(error, error.name)
try:
    from paycools_async.batch import PostgresLedger
except ModuleNotFoundError as error:
    print(error, error.name)
from paycools_async.batch.ledger.opening import open_ledger
try:
    asyncio.run(open_ledger("postgresql://127.0.0.1/x", None))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("spoiled", "what"),
    [
        ("raise ModuleNotFoundError('No module named psycopg', name='psycopg')", "is not installed"),
        ("raise ImportError('no pq wrapper available')", "does not find libpq"),
    ],
    ids=["no psycopg", "no libpq"],
)
def test_postgresql_without_its_extra_says_what_to_install(tmp_path: Path, spoiled: str, what: str) -> None:
    (tmp_path / "psycopg").mkdir()
    (tmp_path / "psycopg" / "__init__.py").write_text(spoiled)
    path = os.pathsep.join([str(tmp_path), *(each for each in sys.path if each)])
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    line = f'PostgreSQL needs the extra: pip install "paycools-async[postgres]" (psycopg {what}) psycopg'
    *direct, opened = ran.stdout.splitlines()
    assert direct == [line] * 5
    assert opened.startswith(ConfigurationError.__name__)
    assert 'pip install "paycools-async[postgres]"' in opened


@pytest.mark.parametrize("release", ["3.4.8", "41.0.7", "of my own"])
def test_a_cryptography_that_is_too_old_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, key: PrivateKey, release: str
) -> None:
    cryptography = pytest.importorskip("cryptography")
    monkeypatch.setattr(cryptography, "__version__", release)
    has_openssl.cache_clear()
    try:
        assert not has_openssl()
        signer = signer_for(key)
        assert isinstance(signer, PycryptodomeSigner)
        assert isinstance(verifier_for(key.public), PycryptodomeVerifier)
        assert generate_private_key(1024).startswith("-----BEGIN PRIVATE KEY-----\n")
    finally:
        has_openssl.cache_clear()


def test_a_cryptography_that_is_new_enough_is_used(key: PrivateKey) -> None:
    pytest.importorskip("cryptography")
    assert has_openssl()
    assert type(signer_for(key)).__name__ == "OpenSSLSigner"
