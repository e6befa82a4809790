"""Resources, prompts and completion, through the protocol's own client in both eras."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import mcp_types as types
import pytest
from mcp import Client

from descope_mcp.catalog.catalog import Catalog
from tests.e2e.agent import connected

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with connected(request.param) as client:
        yield client


async def _text(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, types.TextResourceContents)
    assert contents.uri == uri
    return contents.text


async def test_few_resources_are_listed_and_all_can_be_read(client: Client) -> None:
    listed = (await client.list_resources()).resources
    assert [r.uri for r in listed] == ["descope://toolsets", "descope://schemas/answer"]
    for resource in listed:
        assert await _text(client, resource.uri)
    schemas = json.loads(await _text(client, "descope://schemas/answer"))
    assert schemas["answer"]["required"] == ["operation", "answer", "untrusted"]


async def test_templates_lead_to_every_toolset_and_operation(
    client: Client, catalog: Catalog
) -> None:
    templates = [
        t.uri_template for t in (await client.list_resource_templates()).resource_templates
    ]
    toolsets, operations, answers = templates
    for name in (t.name for t in catalog.toolsets):
        overview = await _text(client, toolsets.replace("{name}", name))
        assert name in overview
    for name in ("DeleteUser", "LoadUser"):
        assert catalog[name].description in await _text(client, operations.replace("{name}", name))
    assert answers == "descope://answers/{name}/{from}"


@pytest.mark.parametrize(
    "uri",
    [
        "descope://toolsets/userz",
        "descope://toolsets/LoadUser",
        "descope://operations/users",
        "descope://operations/",
        "descope://operations/%2e%2e",
        "descope://answers/0123456789ab/0",
        "descope://answers/",
        "descope://",
        "file:///etc/passwd",
        "",
    ],
)
async def test_what_does_not_exist_is_not_found(client: Client, uri: str) -> None:
    with pytest.raises(Exception, match="Resource not found") as caught:
        await client.read_resource(uri)
    assert caught.value.code == -32602  # type: ignore[attr-defined]


async def test_names_are_completed(client: Client, catalog: Catalog) -> None:
    async def found(template: str, typed: str) -> types.Completion:
        ref = types.ResourceTemplateReference(uri=template)
        argument = {"name": "name", "value": typed}
        return (await client.complete(ref, argument)).completion

    tenants = (await found("descope://toolsets/{name}", "ten")).values
    assert sorted(tenants) == ["tenant-sso", "tenants"]
    assert "DeleteUser" in (await found("descope://operations/{name}", "deleteu")).values
    every = await found("descope://operations/{name}", "")
    assert (len(every.values), every.total, every.has_more) == (100, len(catalog), True)
    assert (await found("descope://nothing/{name}", "")).values == []


async def test_every_prompt_can_be_asked_for(client: Client, catalog: Catalog) -> None:
    prompts = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in prompts] == list(catalog.prompts)
    for prompt in prompts:
        given = {a.name: "given <%> {x}" for a in prompt.arguments or [] if a.required}
        (message,) = (await client.get_prompt(prompt.name, given)).messages
        assert isinstance(message.content, types.TextContent)
        text = message.content.text
        assert all(f'"{value}"' in text for value in given.values())
        for name in catalog.prompts[prompt.name].operations:
            assert f"- {name}: descope_{catalog[name].effect}" in text


async def test_a_prompt_says_where_a_person_is_asked(client: Client) -> None:
    (message,) = (await client.get_prompt("offboard-person", {"user": "ada"})).messages
    assert isinstance(message.content, types.TextContent)
    lines = message.content.text.splitlines()
    assert "- DeleteUser: descope_destructive; asks a person" in lines
    assert "- LoadUser: descope_read" in lines


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("nothing", {}, "Unknown prompt"),
        ("offboard-person", {}, "user is needed"),
        ("offboard-person", {"user": " "}, "user is needed"),
        ("offboard-person", {"user": "a", "other": "b"}, "no such argument"),
        ("offboard-person", {"user": "a" * 501}, "longer than 500"),
    ],
)
async def test_a_prompt_that_cannot_be_made_says_why(
    client: Client, name: str, given: dict[str, str], said: str
) -> None:
    with pytest.raises(Exception, match=said) as caught:
        await client.get_prompt(name, given)
    assert caught.value.code == -32602  # type: ignore[attr-defined]


async def test_choices_of_a_prompt_are_completed(client: Client) -> None:
    ref = types.PromptReference(name="cannot-sign-in")
    found = await client.complete(ref, {"name": "method", "value": "pass"})
    assert found.completion.values == ["password", "passkey"]
    assert (await client.complete(ref, {"name": "user", "value": ""})).completion.values == []
