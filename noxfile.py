"""The sessions of `.ci/run`, one by one: `nox`, or `nox -s types`. Each works on what pip builds and installs."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
INSTALLED = {"PYTEST_ADDOPTS": "-o pythonpath=tests", "PYTHONSAFEPATH": "1", "PAYCOOLS_TESTS": "full"}
PYTEST = ("pytest", "-q", "-n", "auto", "--dist", "worksteal")


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The README's test command, at full size."""
    session.install(".[test]")
    session.run("pytest", "-n", "auto", *session.posargs, env=INSTALLED)


@nox.session
def oldest(session: nox.Session) -> None:
    """The whole suite on the oldest releases that pyproject.toml allows; `.ci/oldest.sh` lists them anew."""
    session.install("-c", ".ci/oldest.txt", ".[test]")
    session.run(*PYTEST, "-m", "", *session.posargs, env=INSTALLED)


@nox.session
def postgres(session: nox.Session) -> None:
    """The tests with a real PostgreSQL."""
    session.install(".[dev]")
    session.run(*PYTEST, "-m", "postgres", *session.posargs, env=INSTALLED)


@nox.session
def process(session: nox.Session) -> None:
    """The tests with real processes, type checkers among them."""
    session.install(".[dev]")
    session.run(*PYTEST, "-m", "process and not postgres", *session.posargs, env=INSTALLED)


@nox.session
def kills(session: nox.Session) -> None:
    """Real processes, really killed; PAYCOOLS_KILLS says how often."""
    session.install(".[dev]")
    times = session.env.get("PAYCOOLS_KILLS") or "2"
    files = ("tests/cli/test_kill.py", "tests/cli/test_workers.py", "tests/cli/test_freeze.py")
    session.run("pytest", "-q", "-m", "process", *files, env={**INSTALLED, "PAYCOOLS_KILLS": times})


@nox.session
def mutation(session: nox.Session) -> None:
    """Small changes to the code that money stands on: a test must notice each. Takes hours."""
    session.install(".[dev]", "cosmic-ray>=8.4")
    session.run("pip", "uninstall", "-q", "-y", "paycools-async")  # the changed copy is to be tested
    session.run("python", ".ci/mutation.py", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """The sdist and the wheel: complete, well described, and the tests run from the unpacked sdist."""
    session.install("build", "twine", "check-wheel-contents")
    folder = session.create_tmp()
    session.run("python", "-m", "build", "-q", "-o", folder, ".")
    files = [str(file) for file in Path(folder).glob("paycools_async-*") if file.is_file()]
    session.run("twine", "check", "--strict", *files)
    session.run("check-wheel-contents", *(file for file in files if file.endswith(".whl")))
    [sdist] = (file for file in files if file.endswith(".tar.gz"))
    session.run("python", "-m", "tarfile", "-e", sdist, folder)
    session.chdir(sdist.removesuffix(".tar.gz"))
    session.install(".[test]")
    session.run("pytest", "-q", "-n", "auto", env=INSTALLED | {"PAYCOOLS_TESTS": ""})


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the form of the code."""
    session.install(".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("bandit", "-q", "-c", "pyproject.toml", "-r", "paycools_async")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, pyright, and how much of the public interface has a type."""
    session.install(".[dev]")
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")
    session.run("python", ".ci/type_completeness.py")


@nox.session
def imports(session: nox.Session) -> None:
    """The direction of imports."""
    session.install(".[dev]")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with warnings as errors; it stays in the session's temporary folder."""
    session.install(".[docs]")
    site = f"{session.create_tmp()}/site"
    command = ("mkdocs", "build", "--strict", "-f", ".ci/site/mkdocs.yml", "-d", site)
    session.run(*command, env={"NO_MKDOCS_2_WARNING": "1"})
