"""What a person is told beyond the call itself: who is hit, how dangerous it is, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.terminal import screen
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.recorder import PROJECT, Recorded, recording, shared_store

pytestmark = pytest.mark.anyio

ADA, BEN = "ada.okafor@acme.example", "ben.carter@acme.example"
LAST = 'This is the last user with the role "Owner".'


@pytest.fixture
async def acme(catalog: Catalog) -> AsyncIterator[Services]:
    async with running(catalog.values(), organisations.acme()) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        yield Services(catalog, client, Policy(), shared_store())
        await client.close()


async def told(services: Services, operation: str, **arguments: Any) -> Disclosure:
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.disclosure


async def ran(services: Services, operation: str, **arguments: Any) -> None:
    asked = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(asked, NeedsConfirmation), asked
    word = accept(asked.question, asked.question.typed)
    outcome = await invoke(Call(operation, arguments, "agent", approval=word), services)
    assert isinstance(outcome, Completed), outcome


async def test_the_last_of_its_kind_is_told_from_one_of_several(acme: Services) -> None:
    alone = await told(acme, "DeleteUser", loginId=ADA)
    assert LAST in alone.warnings
    assert (alone.danger, alone.because) == (
        "Very dangerous",
        ("hits an owner", "the last of its kind"),
    )
    await ran(acme, "UpdateUserAddRoles", loginId=BEN, roleNames=["Owner"])
    second = await told(acme, "DeleteUser", loginId=ADA)
    assert LAST not in second.warnings
    # Who cannot sign in is none that is left.
    await ran(acme, "UpdateUserStatus", loginId=BEN, status="disabled")
    assert LAST in (await told(acme, "DeleteUser", loginId=ADA)).warnings


async def test_who_signed_in_lately_is_marked(acme: Services) -> None:
    said = "There was a sign-in within the last week."
    assert said in (await told(acme, "DeleteUser", loginId="tara.singh@umbra.example")).warnings
    assert said not in (await told(acme, "DeleteUser", loginId=ADA)).warnings


async def test_the_project_is_named_as_descope_knows_it(acme: Services) -> None:
    lines = screen(await told(acme, "DeleteUser", loginId=BEN))
    assert 'Project "Acme Production", PRODUCTION.' in " ".join(lines.replace("\n ", "").split())
    assert acme.project in lines.splitlines()[-1]


@pytest.mark.parametrize("status", [403, 500])
async def test_a_project_that_cannot_be_read_keeps_nobody_from_being_asked(
    catalog: Catalog, status: int
) -> None:
    def answer(request: Recorded) -> Response:
        if "/projects/" in request.path:
            return JSONResponse({"errorCode": "E011001"}, status)
        user = {"userId": "U1", "loginIds": ["u"], "roleNames": [], "userTenants": []}
        return JSONResponse({"user": user})

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        for _ in range(3):
            said = await told(services, "UpdateUserStatus", loginId="u", status="disabled")
            assert (said.project.name, said.project.production) == ("", None)
            assert f'Project "{PROJECT}".' in " ".join(screen(said).split())
        reads = sum("/projects/" in request.path for request in recorder.requests)
        assert (reads == 1) if status == 403 else reads
