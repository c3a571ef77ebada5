"""The three tiers of tests, by marker: what is quick (no marker), `postgres` and `process`.

A test gets the marker of the fixtures it stands on by itself; a module of real processes says so with `pytestmark`.
"""

from __future__ import annotations

import pytest

_BY_FIXTURE = {"postgres_url": "postgres", "dsn": "postgres", "own_postgres": "postgres", "sandbox": "process"}


def _markers_of(item: pytest.Function) -> set[str]:
    found = {_BY_FIXTURE[name] for name in item.fixturenames if name in _BY_FIXTURE}
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "postgres" in callspec.params.values():
        found.add("postgres")
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function):
            for marker in _markers_of(item):
                item.add_marker(marker)
