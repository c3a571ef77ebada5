"""Breaks the code that money stands on, one small change at a time, and sees whether a test notices.

    python .ci/mutation.py [--keep FOLDER] [AREA ...]

Made by cosmic-ray, and in SQL by `mutation_sql.py` beside this, in a copy of the committed tree. A change that no test
notices must stand in .ci/mutation.txt with its reason, as `file | operator | code | reason`; else this ends with 1. The
code is what was changed, for all such changes of it, or what it became, for that one. `nox -s mutation` does it.

With `--keep` the next run goes on where this one stopped: it tries what is left and what survived, and all of an area
whose code has changed. TMPDIR=/dev/shm spares the tests' ledgers the wait for a disk, and PAYCOOLS_POSTGRES_URL the
start of a server for each change: together they make it several times as fast.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXPLAINED = ROOT / ".ci" / "mutation.txt"
RUN = "paycools_async/batch/run"
SQLITE = "paycools_async/batch/ledger/sqlite"
POSTGRES = "paycools_async/batch/ledger/postgres"
ENGINE = "paycools_async/engine"
INBOX = "paycools_async/callbacks/inbox"
AREAS = {
    "states": (
        ["paycools_async/batch/states.py"],
        "tests/batch/test_states.py tests/batch/test_model.py tests/test_renamed.py",
    ),
    "verification": (
        ["paycools_async/callbacks/verify.py"],
        "tests/callbacks/test_verify_exactly.py tests/callbacks/test_verify.py "
        "tests/callbacks/test_verify_global.py tests/callbacks/test_secrets.py tests/callbacks/test_malformed.py",
    ),
    "inbox": (
        [f"{INBOX}/sqlite.py", f"{INBOX}/store.py"],
        "tests/callbacks/test_store.py tests/callbacks/test_in_transaction.py tests/callbacks/test_shared_file.py "
        "tests/runtime/test_stores.py tests/callbacks/test_inbox.py tests/callbacks/test_handlers.py",
    ),
    "outcomes": (
        [f"{RUN}/outcomes.py", f"{RUN}/absence_clock.py"],
        "tests/batch/run/test_outcomes.py tests/batch/run/test_absence.py",
    ),
    "driver": ([f"{RUN}/driver.py", f"{RUN}/row_moves.py"], "tests/batch/run/test_driver.py"),
    "ledger": (
        [f"{SQLITE}/{name}.py" for name in ("ledger", "moves", "recovery", "batches", "queries", "reading")],
        "tests/batch/ledger/test_statements.py tests/batch/ledger tests/batch/test_pending.py "
        "tests/batch/test_gauges.py tests/durable/test_beside_files.py tests/batch/facade/test_existing.py "
        "tests/batch/run/test_absence.py tests/batch/run/test_runner.py",
    ),
    "schema": (
        [f"{SQLITE}/schema.py"],
        "tests/batch/ledger/test_statements.py tests/batch/ledger tests/durable/test_submitting.py "
        "tests/durable/test_telling.py",
    ),
    "postgres": (
        [f"{POSTGRES}/{name}.py" for name in ("writer", "leases", "queries")],
        "-m postgres tests/batch/ledger/test_statements.py tests/batch/ledger/test_postgres_times.py "
        "tests/batch/ledger/test_postgres_writer.py tests/batch/ledger/test_postgres.py tests/batch/test_gauges.py "
        "tests/batch/ledger/test_postgres_batches.py tests/batch/ledger/test_history.py "
        "tests/batch/ledger/test_ledger.py tests/batch/ledger/test_batches.py "
        "tests/batch/ledger/test_postgres_frozen.py tests/batch/run/test_absence.py",
    ),
    "postgres-batches": (
        [f"{POSTGRES}/{name}.py" for name in ("ledger", "intake", "batch_queries")],
        "-m postgres tests/batch/ledger/test_statements.py tests/batch/ledger/test_batches.py "
        "tests/batch/ledger/test_postgres_batches.py tests/batch/ledger/test_postgres.py "
        "tests/batch/ledger/test_postgres_times.py tests/batch/ledger/test_ledger.py "
        "tests/batch/ledger/test_history.py tests/batch/report/test_own_columns.py tests/durable/test_beside_files.py "
        "tests/batch/ledger/test_postgres_schema.py tests/batch/ledger/test_postgres_frozen.py",
    ),
    "postgres-inbox": (
        ["paycools_async/callbacks/postgres.py"],
        "-m postgres tests/callbacks/test_store.py tests/callbacks/test_in_transaction.py "
        "tests/callbacks/test_inbox.py tests/callbacks/test_handlers.py tests/callbacks/test_database_away.py",
    ),
    "durable": (
        ["paycools_async/durable/payouts.py", "paycools_async/durable/telling.py", f"{SQLITE}/application.py"],
        "tests/durable/test_telling_alone.py tests/durable/test_application_ledger.py "
        "tests/durable/test_beside_files.py tests/durable/test_submitting.py "
        "tests/durable/test_telling.py tests/durable/test_own_transactions.py tests/durable/test_needs_person.py "
        "tests/durable/test_files.py tests/durable/test_background.py",
    ),
    "background": (
        ["paycools_async/durable/background.py"],
        "tests/durable/test_background_alone.py tests/durable/test_background.py",
    ),
    "proof": (
        ["paycools_async/transports/proof.py", f"{ENGINE}/attempts.py", f"{ENGINE}/call_errors.py"],
        "tests/transports/test_early_answer.py tests/transports/test_last_moment.py tests/transports/test_once.py "
        "tests/engine tests/test_hooks.py tests/resolving/test_in_doubt.py tests/transports",
    ),
}
SQL = ("Condition", "Assignment", "Number", "Comparison", "Not", "Extreme", "Lock", "Order", "Truth")
OTHERS = ("Add_Sub", "Sub_Add", "Mul_Add", "Div_Mul", "BitOr_BitAnd", "BitAnd_BitOr")
COMPARED = """
Lt_LtE Lt_Gt LtE_Lt LtE_Gt Gt_GtE Gt_Lt GtE_Gt GtE_Lt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is In_NotIn NotIn_In
""".split()  # noqa: SIM905 - one can read it
KEPT = {
    *(f"sql/{name}" for name in SQL),
    *(f"core/{name}" for name in ("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse")),
    *(f"core/{name}" for name in ("ReplaceFalseWithTrue", "ReplaceUnaryOperator_Delete_Not", "NumberReplacer")),
    *(f"core/{name}" for name in ("ExceptionReplacer", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak")),
    *(f"core/ReplaceBinaryOperator_{name}" for name in OTHERS),
    *(f"core/ReplaceComparisonOperator_{name}" for name in COMPARED),
}
"""One change of a kind is enough: what else a `<` could become says nothing more."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, help="a folder for what was found, to go on later")
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    given = parser.parse_args()
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT).returncode:  # noqa: S607
        print("note: what is not committed is not looked at", file=sys.stderr)  # noqa: T201
    explained = _explained()
    unexplained = False
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paycools-mutation-")))
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder.absolute() / "copy"
        shutil.rmtree(copy, ignore_errors=True)  # a run that was stopped may have left a change in it
        subprocess.run(["git", "clone", "-q", ROOT, copy], check=True)  # noqa: S603, S607
        _make_plugin(folder.absolute())
        for area in given.areas or AREAS:
            tried, late, survivors = _area(area, copy)
            known = [each for each in survivors if _is_explained(each, explained)]
            unexplained |= len(known) < len(survivors)
            noticed = tried - len(survivors)
            print(f"{area}: {noticed} of {tried} noticed ({late} by a time-out), {len(known)} explained", flush=True)  # noqa: T201
            for each in survivors:
                print("  explained" if each in known else "  SURVIVED", " | ".join(each), flush=True)  # noqa: T201
    return 1 if unexplained else 0


def _make_plugin(folder: Path) -> None:
    """What makes cosmic-ray find the operators of `mutation_sql.py`, without an installation."""
    about = folder / "mutation_sql-0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mutation-sql\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[cosmic_ray.operator_providers]\nsql = mutation_sql:Provider\n")


def _area(area: str, copy: Path) -> tuple[int, int, list[tuple[str, str, str, str]]]:
    """How many changes were tried, how many of them ended in a time-out, and which survived, as what."""
    modules, tests = AREAS[area]
    files = [*modules, ".ci/mutation_sql.py"]
    code = hashlib.sha256(b"".join((copy / file).read_bytes() for file in files)).hexdigest()
    settings, session = copy.parent / f"{area}.toml", copy.parent / f"{area}-{code[:12]}.sqlite"
    command = f"{shlex.quote(sys.executable)} -m pytest -q -x -n0 -o pythonpath='. tests' {tests}"

    def set_up(timeout: float) -> None:
        texts = {"module-path": modules, "timeout": timeout, "excluded-modules": [], "test-command": command}
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in texts.items())
        settings.write_text(f'[cosmic-ray]\n{lines}\n[cosmic-ray.distributor]\nname = "local"\n')

    def ray(*words: object) -> None:
        program = [sys.executable, "-m", "cosmic_ray.cli", *map(str, words)]
        found = os.pathsep.join([str(copy / ".ci"), str(copy.parent)])
        subprocess.run(program, cwd=copy, check=True, env={**os.environ, "PYTHONPATH": found})  # noqa: S603

    set_up(1800.0)
    began = time.monotonic()
    ray("baseline", settings)
    set_up(60.0 + 5 * (time.monotonic() - began))
    if not session.exists():
        new = session.with_suffix(".new")
        ray("init", settings, new)
        with contextlib.closing(sqlite3.connect(new)) as jobs, jobs:
            for job, module, operator, row, column in jobs.execute(
                "SELECT job_id, module_path, operator_name, start_pos_row, start_pos_col FROM mutation_specs"
            ).fetchall():
                if operator not in KEPT or _in_annotation(copy / module, row, column):
                    jobs.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                    jobs.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
        new.rename(session)
    with contextlib.closing(sqlite3.connect(session)) as jobs, jobs:
        jobs.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
    ray("exec", settings, session)
    with contextlib.closing(sqlite3.connect(session)) as jobs:
        done = jobs.execute(
            "SELECT module_path, operator_name, test_outcome, worker_outcome, output, diff "
            "FROM mutation_specs JOIN work_results USING (job_id)"
        ).fetchall()
    if broken := [each for each in done if each[3] != "NORMAL"]:
        raise SystemExit(f"{area}: {len(broken)} changes could not be tried: {broken[0]}")
    survivors = [
        (module, operator.removeprefix("core/"), _lines(diff, "-"), _lines(diff, "+"))
        for module, operator, outcome, _, _, diff in done
        if outcome == "SURVIVED"
    ]
    return len(done), sum(output == "timeout" for _, _, _, _, output, _ in done), sorted(survivors)


def _lines(diff: str, sign: str) -> str:
    """What a change took away, or what it put there."""
    found = [line[1:].strip() for line in diff.splitlines() if line.startswith(sign) and line[:3] != 3 * sign]
    return " ".join(found)


def _is_explained(survivor: tuple[str, str, str, str], explained: set[tuple[str, str, str]]) -> bool:
    module, operator, was, became = survivor
    return (module, operator, was) in explained or (module, operator, became) in explained


def _in_annotation(file: Path, row: int, column: int) -> bool:
    """Whether this is part of a type, which nobody evaluates."""
    for node in ast.walk(ast.parse(file.read_text())):
        found = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for each in found:
            if isinstance(each, ast.expr):
                start, end = (each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)
                if start <= (row, column) < end:
                    return True
    return False


def _explained() -> set[tuple[str, str, str]]:
    found = set()
    for line in EXPLAINED.read_text().splitlines() if EXPLAINED.exists() else ():
        if line.strip() and not line.startswith("#"):
            file, operator, rest = line.split(" | ", 2)
            found.add((file.strip(), operator.strip(), rest.rsplit(" | ", 1)[0].strip()))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
