"""Breaks the code that money stands on, one small change at a time, and sees whether a test notices.

    python .ci/mutation.py [AREA ...]

Made by cosmic-ray, in a copy of the committed tree. A change that no test notices must stand in .ci/mutation.txt with
its reason, as `file | operator | line of code | reason`; else this ends with 1. `nox -s mutation` does it.
"""

from __future__ import annotations

import ast
import json
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXPLAINED = ROOT / ".ci" / "mutation.txt"
RUN = "paycools_async/batch/run"
SQLITE = "paycools_async/batch/ledger/sqlite"
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
        "tests/callbacks/test_inbox.py tests/callbacks/test_handlers.py tests/callbacks/test_in_transaction.py "
        "tests/callbacks/test_shared_file.py tests/runtime/test_stores.py",
    ),
    "outcomes": ([f"{RUN}/outcomes.py", f"{RUN}/absence_clock.py"], "tests/batch/run/test_outcomes.py"),
    "driver": ([f"{RUN}/driver.py", f"{RUN}/row_moves.py"], "tests/batch/run"),
    "ledger": (
        [f"{SQLITE}/moves.py", f"{SQLITE}/recovery.py", f"{SQLITE}/ledger.py", f"{SQLITE}/batches.py"],
        "tests/batch/ledger tests/batch/run tests/batch/facade tests/batch/test_pending.py",
    ),
}
OTHERS = ("Add_Sub", "Sub_Add", "Mul_Add", "Div_Mul", "BitOr_BitAnd", "BitAnd_BitOr")
COMPARED = """
Lt_LtE Lt_Gt LtE_Lt LtE_Gt Gt_GtE Gt_Lt GtE_Gt GtE_Lt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is In_NotIn NotIn_In
""".split()  # noqa: SIM905 - one can read it
KEPT = {
    *(f"core/{name}" for name in ("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse")),
    *(f"core/{name}" for name in ("ReplaceFalseWithTrue", "ReplaceUnaryOperator_Delete_Not", "NumberReplacer")),
    *(f"core/{name}" for name in ("ExceptionReplacer", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak")),
    *(f"core/ReplaceBinaryOperator_{name}" for name in OTHERS),
    *(f"core/ReplaceComparisonOperator_{name}" for name in COMPARED),
}
"""One change of a kind is enough: what else a `<` could become says nothing more."""


def main(areas: list[str]) -> int:
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT).returncode:  # noqa: S607
        print("note: what is not committed is not looked at", file=sys.stderr)  # noqa: T201
    explained = _explained()
    unexplained = []
    with tempfile.TemporaryDirectory(prefix="paycools-mutation-") as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", ROOT, copy], check=True)  # noqa: S603, S607
        for area in areas or AREAS:
            killed, survivors = _area(area, copy)
            known = [each for each in survivors if each in explained]
            unexplained += [each for each in survivors if each not in explained]
            print(f"{area}: {killed} of {killed + len(survivors)} noticed, {len(known)} explained", flush=True)  # noqa: T201
            for each in survivors:
                print("  explained" if each in explained else "  SURVIVED", " | ".join(each), flush=True)  # noqa: T201
    return 1 if unexplained else 0


def _area(area: str, copy: Path) -> tuple[int, list[tuple[str, str, str]]]:
    modules, tests = AREAS[area]
    settings, session = copy.parent / f"{area}.toml", copy.parent / f"{area}.sqlite"
    command = f"{shlex.quote(sys.executable)} -m pytest -q -x -n0 -o pythonpath='. tests' {tests}"
    texts = {"module-path": modules, "timeout": 180.0, "excluded-modules": [], "test-command": command}
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in texts.items())
    settings.write_text(f'[cosmic-ray]\n{lines}\n[cosmic-ray.distributor]\nname = "local"\n')

    def ray(*words: object) -> None:
        program = [sys.executable, "-m", "cosmic_ray.cli", *map(str, words)]
        subprocess.run(program, cwd=copy, check=True)  # noqa: S603

    ray("baseline", settings)
    ray("init", settings, session)
    with sqlite3.connect(session) as jobs:
        for job, module, operator, row, column in jobs.execute(
            "SELECT job_id, module_path, operator_name, start_pos_row, start_pos_col FROM mutation_specs"
        ).fetchall():
            if operator not in KEPT or _in_annotation(copy / module, row, column):
                jobs.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                jobs.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
    jobs.close()
    ray("exec", settings, session)
    with sqlite3.connect(session) as jobs:
        done = jobs.execute(
            "SELECT module_path, operator_name, start_pos_row, test_outcome, worker_outcome FROM mutation_specs "
            "JOIN work_results USING (job_id)"
        ).fetchall()
    jobs.close()
    survivors = [
        (module, operator.removeprefix("core/"), (copy / module).read_text().splitlines()[row - 1].strip())
        for module, operator, row, outcome, worker in done
        if str(outcome).upper().endswith("SURVIVED") and str(worker).upper().endswith("NORMAL")
    ]
    return len(done) - len(survivors), survivors


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
            file, operator, code, _reason = (part.strip() for part in line.rsplit(" | ", 3))
            found.add((file, operator, code))
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
