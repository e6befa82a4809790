"""`descope-mcp approvals`: answer what an agent's client cannot ask.

Answers are taken in a real terminal only: a pipe is no person, and neither is a flag.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any, NoReturn

import click

from descope_mcp import settings
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import approvals_watch, terminal
from descope_mcp.cli.asking.errors import NotProven
from descope_mcp.cli.commands import approvals_wait
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.display.times import shown
from descope_mcp.cli.main import FAILED, REFUSED, USAGE
from descope_mcp.guard.decide import Decider, NotDecided, decide, told
from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.question.question_data import to_data
from descope_mcp.guard.question.renderers import one_line
from descope_mcp.guard.question.renderers import terminal as renderer
from descope_mcp.guard.question.renderers.layout import is_long
from descope_mcp.store.consent import approvals, listings, second_factor
from descope_mcp.store.consent.request import Request
from descope_mcp.store.journal import acts
from descope_mcp.store.store import Store


@click.group("approvals")
def command() -> None:
    """Answer what an agent's client cannot ask."""


@command.command("list")
@click.option("--all", "all_", is_flag=True, help="Also those that were answered or expired.")
@click.option(
    "--limit", default=50, show_default=True, help="With --all, no more than so many; 0 for all."
)
@options.as_json
def list_(all_: bool, limit: int, as_json: bool) -> None:
    """The requests that wait for a person, newest first."""
    store = _store()
    if all_ and limit:
        found = listings.newest(store, limit)
    else:
        found = approvals.requests(store, pending=not all_)
    if as_json:
        for request in found:
            output.row(_data(request))
        return
    tables.show(
        ("No.", "status", "age", "expires", "project", "caller", "what"),
        ((_line(request), _cells(request)) for request in found),
        nothing="No request waits.",
    )
    click.echo(f"{len(found)} request(s) in {store.name}", err=True)


@command.command("show")
@click.argument("number", type=int)
@options.as_json
def show(number: int, as_json: bool) -> None:
    """One request as the person is asked it."""
    request = _request(_store(), number)
    if as_json:
        output.row(_data(request))
        return
    said = told(request)
    click.echo(renderer.screen(said))
    if is_long(said):
        whole = shell_quoting.command("approvals", "diff", number)
        click.echo(f"\nWhat becomes different, whole: `{whole}`")
    click.echo(f"\n{request.status}, asked {shown(request.created)} by {request.caller}")


@command.command("diff")
@click.argument("number", type=int)
@options.json_lines
def diff(number: int) -> None:
    """All that becomes different by a request, whole."""
    text = renderer.difference(told(_request(_store(), number)))
    output.said(text or "No document is replaced.", number=number, difference=text)


@command.command("approve")
@click.argument("number", type=int)
@options.json_lines
def approve(number: int) -> None:
    """Allow the call of a request, once, within an hour."""
    store = _store()
    request = _pending(store, number)
    try:
        approved = _asked(store, request)
    except NotDecided as error:
        _end(str(error), REFUSED)
    if not approved:
        _end(f"request {number} was not approved and still waits", REFUSED)


@command.command("deny")
@click.argument("number", type=int)
@options.json_lines
@click.option("--reason", default="", help="Why; the agent is told.")
def deny(number: int, reason: str) -> None:
    """Refuse the call of a request."""
    store = _store()
    _pending(store, number)
    try:
        decide(store, number, "deny", _decider(), reason=reason)
    except NotDecided as error:
        _end(str(error), REFUSED)
    output.said(f"Request {number} is denied.", number=number, status="denied")


@command.command("revoke")
@click.argument("number", type=int)
@options.json_lines
@click.option("--reason", default="", help="Why; the agent is told.")
def revoke(number: int, reason: str) -> None:
    """Revoke an approval that was not used yet."""
    store = _store()
    _request(store, number)
    try:
        decide(store, number, "revoke", _decider(), reason=reason)
    except NotDecided as error:
        _end(f"{error}; there is nothing to revoke", FAILED)
    text = f"Request {number} is revoked. Its call does not run."
    output.said(text, number=number, status="revoked")


@command.command("watch")
def watch() -> None:
    """Show requests as they come, and answer them by their numbers."""
    store = _store()

    def answer(number: int) -> None:
        request = approvals.request(store, number)
        if request is None or request.status != "pending":
            click.echo(f"No request {number} waits.", err=True)
            return
        try:
            if _asked(store, request):
                return
            why = terminal.ask("", "Deny it? Type why, or nothing to let it wait: ")
            if why:
                decide(store, number, "deny", _decider(), reason=why)
                click.echo(f"Request {number} is denied.")
        except (NotDecided, NotProven) as error:
            output.note(str(error))

    approvals_watch.watch(store, _line, answer)


command.add_command(approvals_wait.wait)


def _asked(store: Store, request: Request) -> bool:
    """Put the question of a request, and approve it if the answer is a yes.

    Raises:
        NotDecided: the yes does not count.
        NotProven: the digits are wrong, or none count for now.
    """
    said, number = told(request), request.number
    whole = shell_quoting.command("approvals", "diff", number)
    more = f"All that becomes different: `{whole}`"
    if not terminal.question(said, "approve", more if is_long(said) else ""):
        return False
    code = terminal.digits(store)
    try:
        decided = decide(store, number, "approve", _decider(), typed=said.typed, code=code)
    except NotDecided as error:
        if error.why == "code":
            raise NotProven(str(error)) from None
        raise
    terminal.used_up(decided.recovery)
    answer = decided.answer
    if answer.request.status != "approved":
        text = f"{answer.votes} of {answer.needed} people have approved request {number}."
    else:
        back = shell_quoting.command("approvals", "revoke", number)
        text = (
            f"Request {number} is approved. The same call runs once, within an hour; "
            f"until then `{back}` revokes it."
        )
    output.said(text, number=number, status=answer.request.status)
    return True


def _decider() -> Decider:
    return Decider(terminal.account(), "terminal")


def _cells(request: Request) -> tuple[str, ...]:
    return (
        str(request.number),
        request.status,
        tables.age(request.created),
        tables.age(request.expires),
        request.project,
        request.caller,
        one_line.line(told(request)),
    )


def _line(request: Request) -> str:
    text = one_line.line(told(request))
    return f"{request.number}  {request.status:8} {shown(request.created)}  {text}"


@command.command("enroll")
@options.json_lines
def enroll() -> None:
    """Ask for six digits of an authenticator app with every approval from now on."""
    import segno

    store = _store()
    if second_factor.enrolled(store):
        _end(
            "a second factor is enrolled already; `descope-mcp approvals unenroll` removes it",
            USAGE,
        )
    secret = second_factor.new_secret()
    code = segno.make(second_factor.provisioning_uri(secret), error="m")
    with terminal.screen() as screen:
        screen.write("Scan this with an authenticator app. It is shown this once.\n\n")
        code.terminal(out=screen, border=2, compact=True)
        screen.write(f"\nWithout a camera, type this into it: {secret}\n\n")
    codes = second_factor.confirm(store, secret, terminal.ask("", "The six digits it shows now: "))
    if codes is None:
        _end("the digits are not right; nothing is enrolled", REFUSED)
    acts.record(store, "enrolled", by=terminal.account(), way="terminal")
    with terminal.screen() as screen:
        screen.write("\nFor a lost phone: each of these counts once in place of the digits. Keep\n")
        screen.write("them away from this machine; they are shown this once.\n\n")
        screen.write("".join(f"  {code}\n" for code in codes) + "\n")
    output.said("Enrolled. Every approval needs six digits from now on.", enrolled=True)


@command.command("unenroll")
@options.json_lines
def unenroll() -> None:
    """Ask for no six digits any more."""
    store = _store()
    if not second_factor.enrolled(store):
        _end("no second factor is enrolled", USAGE)
    terminal.second_factor(store)
    acts.record(store, "unenrolled", by=terminal.account(), way="terminal")
    second_factor.remove(store)
    output.said("No approval needs six digits any more.", enrolled=False)


def _data(request: Request) -> dict[str, Any]:
    """A request as JSON data, with the question in its parts."""
    return {**asdict(request), "question": to_data(told(request))}


def _pending(store: Store, number: int) -> Request:
    request = _request(store, number)
    if request.status != "pending":
        _end(f"request {number} is {request.status}", FAILED)
    return request


def _request(store: Store, number: int) -> Request:
    request = approvals.request(store, number)
    if request is None:
        raise click.UsageError(
            f"there is no request {number} in {store.name}; see `descope-mcp approvals list`"
        )
    return request


def _store() -> Store:
    return wiring.store(settings.load())


def _end(message: str, code: int) -> NoReturn:
    output.problem(message, kind="refused" if code == REFUSED else "failed")
    sys.exit(code)
