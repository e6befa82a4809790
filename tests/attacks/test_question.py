"""Questions that would be read as something harmless, or that would show a secret."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, NeedsConfirmation, Refused
from descope_mcp.catalog.catalog import Catalog
from tests.recorder import recording

pytestmark = pytest.mark.anyio

APP = {"id": "A1", "name": "Sheets", "approvedCallbackUrls": ["https://sheets.example/back"]}


async def question(catalog: Catalog, operation: str, found: Any, **arguments: Any) -> str:
    """What a person is asked, or why nobody is."""
    async with recording(lambda _: JSONResponse(found)) as recorder:
        services = recorder.services(catalog)
        outcome = await invoke(Call(operation, arguments, "agent"), services)
        await services.client.close()
    if isinstance(outcome, Refused):
        return outcome.rule
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.question.text


@pytest.mark.parametrize(
    "url",
    [
        "https://eyJhbGciOiJub25lIn0.evil.example/back",
        "https://eyJhbGciOiJub25lIn0.a.b.evil.example?x=1",
        "https://token=x.sheets.example@evil.example/back",
        "https://sheets.example:code=1@evil.example",
        f"https://sheets.example{'.' + 'a' * 60 + '.' + 'b' * 60}.evil.example/back",
        f"https://sheets.example:{'a' * 400}@evil.example/back",
    ],
)
async def test_no_host_hides_behind_a_mask_or_a_cut(catalog: Catalog, url: str) -> None:
    said = await question(
        catalog, "PatchThirdPartyApplication", {"app": APP}, id="A1", approvedCallbackUrls=[url]
    )
    assert said == "not-shown" or "evil.example" in said


@pytest.mark.parametrize("email", ["token=ada@evil.example", f"{'a' * 140}@evil.example"])
async def test_no_mailbox_hides_behind_a_mask_or_a_cut(catalog: Catalog, email: str) -> None:
    user = {"user": {"loginIds": ["ada"], "userId": "U1", "email": "ada@acme.example"}}
    said = await question(catalog, "UpdateUserEmail", user, loginId="ada", email=email)
    assert said == "not-shown" or "evil.example" in said


async def test_what_a_token_is_passed_in_stays_masked(catalog: Catalog) -> None:
    url = "https://sheets.example/back?code=hunter2"
    said = await question(
        catalog, "PatchThirdPartyApplication", {"app": APP}, id="A1", approvedCallbackUrls=[url]
    )
    assert "https://sheets.example/back?code=[sealed]" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("View\u0435r", "View\\u0435r"),
        ("\u0410dmin", "\\u0410dmin"),
        ("\uff21dmin", "\\uff21dmin"),
        ("https://\u0430\u0440\u0440.example", "https://\\u0430\\u0440\\u0440.example"),
        ("ada@\u0430\u0441\u043c\u0435.example", "ada@\\u0430\\u0441\\u043c\\u0435.example"),
        ("Büro", "Büro"),
        ("Читатель", "Читатель"),
        ("T\u30b7\u30e3\u30c4", "T\u30b7\u30e3\u30c4"),
    ],
)
async def test_look_alikes_are_told_apart(catalog: Catalog, text: str, shown: str) -> None:
    """A role can be created unasked under a name that reads like another's."""
    user = {"user": {"loginIds": ["eve"], "userId": "U1"}}
    said = await question(catalog, "UpdateUserAddRoles", user, loginId="eve", roleNames=[text])
    assert f'the role "{shown}"?' in said
    assert text == shown or text not in said


@pytest.mark.parametrize(
    ("operation", "found", "arguments"),
    [
        (
            "ConfigureSSOOIDCSettings",
            {"oidc": {"name": "x", "clientId": "c"}, "tenant": {"domains": []}},
            {"tenantId": "T1", "ssoId": "S1", "settings": {"clientSecret": "hunter2"}},
        ),
        (
            "UpdateOutboundApp",
            {"app": {"id": "O1", "name": "x", "tokenUrlParams": []}},
            {
                "app": {
                    "id": "O1",
                    "clientSecret": "hunter2",
                    "tokenUrlParams": [{"key": "k", "value": "hunter2"}],
                }
            },
        ),
    ],
)
async def test_no_secret_stands_in_what_becomes_different(
    catalog: Catalog, operation: str, found: Any, arguments: dict[str, Any]
) -> None:
    said = await question(catalog, operation, found, **arguments)
    assert "Becomes different:" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(("opening", "closing"), [("<!--", "-->"), ("[x](y '", "')")])
async def test_no_line_goes_missing_where_a_client_shows_markdown(
    catalog: Catalog, opening: str, closing: str
) -> None:
    """A comment or a link's title may reach over lines, and is not shown."""
    tenants = [{"tenantId": opening}, {"tenantId": "T1", "roleNames": ["Owner"]}]
    user = {"user": {"loginIds": ["eve"], "userId": "U1"}}
    said = await question(
        catalog, "PatchUser", user, loginId="eve", userTenants=[*tenants, {"tenantId": closing}]
    )
    assert "Owner" in said
    assert opening not in said
    assert not {"<", "]("} & {said[i : i + n] for i in range(len(said)) for n in (1, 2)}


DELETES = {"deletesPreview": {"relations": ["doc#viewer"]}}
SCHEMA = "model AuthZ 1.0\n\n" + "\n".join(
    f"type kind{n}\n  relation owner: user\n  relation viewer: user" for n in range(60)
)


@pytest.mark.parametrize(
    "place", ["kind1\n  relation owner: user", "kind59\n  relation owner: user"]
)
async def test_what_changes_in_a_long_text_is_shown(catalog: Catalog, place: str) -> None:
    """The beginning of the text is the same before and after."""
    open_to_all = SCHEMA.replace(place, f"{place} | everyone")
    said = await question(catalog, "CreateFGASchema", {"dsl": SCHEMA, **DELETES}, dsl=open_to_all)
    assert '    - "  relation owner: user"\n' in said
    assert '    + "  relation owner: user | everyone"\n' in said
    assert said.count("\n    + ") == 1


@pytest.mark.parametrize("before", ["", "x" * 3000])
async def test_nothing_hides_at_the_end_of_a_long_line(catalog: Catalog, before: str) -> None:
    found = {"dsl": before, **DELETES}
    said = await question(
        catalog, "CreateFGASchema", found, dsl=f"{before}{'y' * 5000} owner: everyone"
    )
    assert "owner: everyone" in said
    assert said.count("y" * 50) >= 90


async def test_more_than_a_person_reads_is_not_shown_in_part(catalog: Catalog) -> None:
    dsl = "\n".join(f"type t{n}" for n in range(400)) + "\nrelation owner: everyone"
    assert (
        await question(catalog, "CreateFGASchema", {"dsl": SCHEMA, **DELETES}, dsl=dsl)
        == "not-shown"
    )


async def test_who_gets_what_stays_together(catalog: Catalog) -> None:
    """Several relations: apart from each other, their values would fit any two of them."""
    viewer = {"resource": "roadmap", "relationDefinition": "viewer", "namespace": "doc"}
    owner = {"resource": "budget", "relationDefinition": "owner", "namespace": "doc"}
    given = [{**viewer, "target": "U1"}, {**owner, "target": "U2"}]
    said = await question(catalog, "CreateRelations", {}, relations=given)
    assert 'resource "roadmap", relation definition "viewer", namespace "doc", target "U1"' in said
    assert 'resource "budget", relation definition "owner", namespace "doc", target "U2"' in said
    crossed = [{**viewer, "target": "U2"}, {**owner, "target": "U1"}]
    assert await question(catalog, "CreateRelations", {}, relations=crossed) != said


async def test_one_relation_is_said_in_the_first_sentence(catalog: Catalog) -> None:
    one = {"resource": "roadmap", "relationDefinition": "viewer", "namespace": "doc"}
    said = await question(catalog, "DeleteRelations", {}, relations=[{**one, "target": "U1"}])
    assert said.startswith('Take away 1 relation, "viewer", on "roadmap", from "U1"?')


@pytest.mark.parametrize("many", [2, 40])
async def test_relations_that_go_are_named_as_long_as_they_fit(catalog: Catalog, many: int) -> None:
    there = [
        {"resource": "roadmap", "relationDefinition": "viewer", "target": f"U{n}"}
        for n in range(many)
    ]
    found = {"relations": there}
    said = await question(
        catalog, "DeleteResourceRelationsForResources", found, resources=["roadmap"]
    )
    assert f"Relations ({many})" in said
    assert ('relation definition "viewer", target "U1"' in said) is (many == 2)
