"""Paying from the command line: a file is offered, a person says yes to what is shown, and just that is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import typer

from ....batch import State, Summary
from ....batch.intake import check_file
from ....batch.pending import PendingBatch, waiting_in
from ....batch.states import OPEN
from ....errors import ConfigurationError
from ...console import echo, echo_error
from ...exit_codes import BAD_INPUT, UNRESOLVED
from ...ledger_url import is_postgres, open_ledger
from ..intake import tell_bad_rows, tell_file
from ..opening import open_api, try_folder
from ..showing import LEFT, summary_of
from .approval import Approval
from .choosing import BatchChoice
from .context import RunContext
from .plan import Plan
from .question import question_of
from .rehearsal import end_of_rehearsal, rehearse
from .sending import Sending

__all__ = ["pay"]


async def pay(plan: Plan) -> int:
    """Run the plan: check, ask, pay, report. Returns the exit code."""
    postgres = is_postgres(plan.ledger)
    if plan.sandbox and postgres:
        raise ConfigurationError(
            "--sandbox keeps its records beside a ledger file; with PostgreSQL start `paycools sandbox` in another "
            "shell"
        )
    if plan.detach and not postgres:
        raise ConfigurationError("--detach leaves the sending to workers: it needs --ledger postgresql://...")
    if plan.dry_run and (plan.recover or plan.adopt):
        raise ConfigurationError("--dry-run changes nothing: leave --recover and --adopt out")
    if plan.report is not None and not plan.dry_run:
        await asyncio.to_thread(try_folder, plan.report)
    options: dict[str, Any] = {"concurrency": plan.options.concurrency, "call_timeout": plan.timeout}
    async with open_api(plan.country, sandbox=Path(plan.ledger) if plan.sandbox else None, **options) as paying:
        if plan.file is not None and plan.dry_run:
            return await rehearse(plan, plan.file, paying)
        if plan.file is not None and not postgres and _is_missing(plan.ledger):
            # a faulty file must not leave a ledger behind; and a ledger, once made, is never deleted
            intake, _, read = await check_file(plan.file, paying.api.request_class, paying.api.currency, plan.reading)
            if intake.errors or not intake.new:
                tell_file(plan.file, read)
                tell_bad_rows(plan.file, intake)
                return BAD_INPUT
        ledger = await open_ledger(
            plan.ledger,
            paying.api.identity,
            create=plan.file is not None,
            recover=plan.recover,
            call_timeout=plan.timeout,
            margin=plan.lease_margin,
        )
        try:
            run = RunContext(
                plan=plan, ledger=ledger, api=paying.api, destination=paying.destination, reach=paying.reach
            )
            code = await _run(run)
        finally:
            await ledger.aclose()
    return code


async def _run(run: RunContext) -> int:
    """One command that pays, from the file or the ledger to its end."""
    plan = run.plan
    pending = PendingBatch(ledger=run.ledger, by=plan.by)
    choice, approval = BatchChoice(run=run, pending=pending), Approval(run=run, pending=pending)
    try:
        batches = await choice.chosen()
        if batches is None:
            echo("Nothing was sent" + (", and no report was written." if plan.report else "."))
            return UNRESOLVED
        driven = [batch.id for batch in batches]
        view = run.ledger.of_batches(driven)
        before = await summary_of(view)
        sending = Sending(
            run=run, driven=driven, view=view, taken_back=before.rows(State.WITHDRAWN), left_out=choice.left_out
        )
        if not _is_left(plan, before):
            echo("Nothing is left to send; nothing was sent.")
            return await sending.finish(before)
        waiting = [] if plan.file is None and plan.release is None else waiting_in(batches)
        most = None if is_postgres(plan.ledger) else plan.options.max_resends
        question = await question_of(view, before, waiting, most, plan.adopt)
        await approval.preview(batches, question, before, view)
        if plan.dry_run:
            covered = await approval.rehearsed(question)
            sending.present(before, [], await run.ledger.currency(), approval.preview_object(question))
            return end_of_rehearsal(covered=covered)
        if plan.offer:
            return await approval.leave_offered(waiting, question.planned.rows, driven)
        if not await approval.agreed(question):
            raise typer.Exit(BAD_INPUT)
        await approval.check_adopted(view, question)
        await approval.release(waiting)
    except (KeyboardInterrupt, asyncio.CancelledError):
        await approval.take_back()
        echo_error("error: interrupted; nothing was sent")
        raise typer.Exit(BAD_INPUT) from None
    except BaseException:
        await approval.take_back()
        raise
    sending.preview = approval.preview_object(question)
    with sending.after_the_yes():
        return await sending.send(approval.shards)


def _is_left(plan: Plan, before: Summary) -> bool:
    states = LEFT if plan.file is not None or plan.release is not None else OPEN
    return bool(before.rows(*states) or (plan.adopt and before.rows(State.PREEXISTING)))


def _is_missing(ledger: str) -> bool:
    return not Path(ledger).exists()
