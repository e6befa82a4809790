"""Every way to call without the right to, against the whole application on a socket.

Counted is what reaches Descope: nothing may.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.responses import JSONResponse

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.auth import machines
from descope_mcp.store import machine_tokens
from tests.recorder import shared_store
from tests.server.auth.provider import ORIGIN, Provider
from tests.server.auth.test_access_token import BAD
from tests.server.auth.world import DELETE, READ, WRITE, World, standing
from tests.server.http.served import message

pytestmark = [pytest.mark.anyio, pytest.mark.attacks]

#: Some clients send a text; this one takes roles away.
PATCH = '{"loginId": "ada", "roleNames": []}'
OWN = f"{ORIGIN}/mcp"


def challenge(answer: Any) -> dict[str, str]:
    scheme, _, rest = answer.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', rest))


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_what_is_good_gets_through(world: World, era: str) -> None:
    answer = await world.call(world.provider.token(), era=era)
    assert answer.status_code == 200, answer.text
    assert [request.path for request in world.descope.requests] == [
        "/v1/mgmt/user?loginid=ada"
    ] or (len(world.descope.requests) == 1)


async def test_no_token_that_does_not_count_gets_through(world: World) -> None:
    for kind, made in BAD.items():
        token = made(world.provider)
        if not re.fullmatch(r"[\x21-\x7e]+", token) or len(token) > 40_000:
            continue
        for era in ("modern", "legacy"):
            answer = await world.call(token, era=era)
            assert answer.status_code == 401, (kind, answer.text)
            said = challenge(answer)
            assert said.get("error", "invalid_token") == "invalid_token", kind
            assert said["resource_metadata"].startswith(f"{ORIGIN}/.well-known/"), kind
            # The token is not said again.
            assert token[-20:] not in answer.text + str(answer.headers), kind
    assert world.descope.requests == []


async def test_no_other_way_to_bring_a_token_gets_through(world: World) -> None:
    good = world.provider.token()
    bearer = ("authorization", f"Bearer {good}")
    for given, status in (
        (None, 401),
        ([("authorization", good)], 401),
        ([("authorization", f"Basic {good}")], 401),
        ([("authorization", "Bearer")], 401),
        ([("authorization", f"Bearer {good} {good}")], 401),
        ([("authorization", f"Bearer {good},{good}")], 401),
        ([bearer, bearer], 400),
        ([bearer, ("authorization", "Bearer x")], 400),
        ([("authorization", "Basic x"), bearer], 400),
        ([("cookie", f"token={good}")], 401),
        ([("x-authorization", f"Bearer {good}")], 401),
        ([("proxy-authorization", f"Bearer {good}")], 401),
    ):
        answer = await world.call(given)
        assert answer.status_code == status, (given and given[0][0], answer.text)
        if status == 401:
            # RFC 6750: no error where no token was sent, so that the client signs in.
            assert "error" not in challenge(answer)
            assert challenge(answer)["scope"] == "descope:read"
    for query in (f"access_token={good}", f"access%5Ftoken={good}"):
        assert (await world.call(None, path=f"/mcp?{query}")).status_code == 400
        assert (await world.call(good, path=f"/mcp?{query}")).status_code == 400
    assert world.descope.requests == []


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/readonly", "/mcp/t/users", "/", "/admin"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"])
async def test_no_path_and_no_method_is_open(world: World, path: str, method: str) -> None:
    async with world.server.http(None) as http:
        answer = await http.request(method, path, json=message("tools/list"))
        assert answer.status_code in (401, 404, 405), answer.text
        if path.startswith("/mcp"):
            assert answer.status_code == 401


async def test_a_token_is_for_the_surface_that_it_names(world: World) -> None:
    readonly = world.provider.token(aud=f"{OWN}/readonly")
    assert (await world.call(readonly, path="/mcp/readonly")).status_code == 200
    assert (await world.call(readonly, path="/mcp/readonly/")).status_code == 200
    for path in ("/mcp", "/mcp/t/users", "/mcp/t/all"):
        answer = await world.call(readonly, path=path)
        assert answer.status_code == 401
        assert challenge(answer)["resource_metadata"].endswith(f"protected-resource{path}")
    assert (await world.call(world.provider.token(), path="/mcp/readonly")).status_code == 200


SCOPES: list[tuple[str | None, tuple[str, dict[str, Any]], str]] = [
    (None, READ, "descope:read"),
    ("openid profile", READ, "descope:read"),
    ("descope:reader", READ, "descope:read"),
    ("descope:read", WRITE, "descope:read descope:write"),
    ("descope:read", DELETE, "descope:read descope:destructive"),
    ("descope:write", DELETE, "descope:read descope:write descope:destructive"),
    ("descope:read", ("CreateTenant", {"name": "a"}), "descope:read descope:write"),
    ("descope:read", ("descope_destructive", WRITE[1]), "descope:read descope:write"),
    ("descope:read", ("descope_undo", {"call": "abcd"}), "descope:read descope:write"),
    (
        "descope:read",
        ("descope_plan", {"steps": [{"id": "a", **READ[1]}, {"id": "b", **DELETE[1]}]}),
        "descope:read descope:destructive",
    ),
    (
        "descope:write",
        ("descope_write", {"operation": "PatchUser", "arguments": PATCH}),
        "descope:read descope:write descope:destructive",
    ),
    (
        "descope:read descope:toolset:tenants",
        READ,
        "descope:read descope:toolset:tenants descope:toolset:users",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "tool", "asked"), SCOPES)
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_beyond_the_scopes_is_asked_to_step_up(
    world: World, scope: str | None, tool: tuple[str, dict[str, Any]], asked: str, era: str
) -> None:
    answer = await world.call(world.provider.token(scope=scope), tool, era=era)
    assert answer.status_code == 403, answer.text
    said = challenge(answer)
    assert (said["error"], said["scope"]) == ("insufficient_scope", asked)
    assert said["resource_metadata"] == f"{ORIGIN}/.well-known/oauth-protected-resource/mcp"
    assert world.descope.requests == []
    # With what was asked for it goes on, as far as the guard lets it.
    again = await world.call(world.provider.token(scope=asked), tool, era=era)
    assert again.status_code == 200, again.text


async def test_what_was_read_with_one_token_is_not_read_on_with_less(
    provider: Provider, catalog: Catalog
) -> None:
    """By the same person, with a token that is for another toolset, or for nothing."""
    users = [{"userId": f"U{number}", "name": "Grace"} for number in range(9)]
    some = ("descope_read", {"operation": "SearchUsers", "arguments": {}, "limit": 2})
    async with standing(provider, catalog, answer=lambda _: JSONResponse({"users": users})) as own:
        shown = await own.call(provider.token(scope="descope:read"), some)
        (name,) = set(re.findall(r"answers/[0-9a-f]{12}", shown.text))
        more = ("descope_read", {"operation": name, "arguments": {"from": 2}})
        uses = ("descope_read", {"operation": "LoadTenant", "arguments": {"id": taken(name)}})
        for scope in ("descope:read descope:toolset:tenants", "openid"):
            token = provider.token(scope=scope)
            for tool in (more, uses):
                assert "U3" not in (await own.call(token, tool)).text
        assert "U3" in (await own.call(provider.token(scope="descope:write"), more)).text
        assert len(own.descope.requests) == 1


def taken(name: str) -> dict[str, str]:
    return {"$from": name, "path": "users[3].userId"}


async def test_what_the_layer_does_not_see_is_refused_by_the_guard(world: World) -> None:
    big = {"operation": "CreateTenant", "arguments": {"name": "a" * 300_000}}
    answer = await world.call(world.provider.token(), ("descope_write", big))
    assert "does not have the scope descope:write" in answer.text
    assert world.descope.requests == []


async def test_a_client_is_told_why_its_token_does_not_count(world: World) -> None:
    for changes, why in (
        ({"aud": "https://other.example/mcp"}, "it was issued for another audience"),
        ({"iss": "https://other.example"}, "its issuer does not count here"),
        ({"exp": 1}, "it has expired"),
    ):
        answer = await world.call(world.provider.token(**changes))
        assert why in answer.text
        assert challenge(answer)["error_description"].endswith(why)


async def test_an_issuer_that_is_away_lets_nobody_in(world: World) -> None:
    world.provider.is_down = True
    answer = await world.call(world.provider.token())
    assert answer.status_code == 503
    assert "Nobody can be let in now" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert world.descope.requests == []


async def test_tokens_of_machines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "FRESH", 0.0)
    store = shared_store()
    made, token = machine_tokens.create(store, "nightly", ["descope:read"], 60)
    other = machine_tokens.create(store, "other", ["descope:read"], 60)[1]
    assert (await world.call(token)).status_code == 200
    assert (await world.call(token, DELETE)).status_code == 403
    last = "1" if token[-1] == "0" else "0"
    for wrong in (f"{token[:-1]}{last}", f"{token[:18]}{other[18:]}", "dmcp_x"):
        assert (await world.call(wrong)).status_code == 401
    machine_tokens.revoke(store, made.id)
    assert (await world.call(token)).status_code == 401
    assert len(world.descope.requests) == 1


async def test_the_metadata_of_every_surface(world: World) -> None:
    well_known = "/.well-known/oauth-protected-resource"
    async with world.server.http(None) as http:
        for path, resource in (
            ("", "/mcp"),
            ("/mcp", "/mcp"),
            ("/mcp/", "/mcp"),
            ("/mcp/readonly", "/mcp/readonly"),
            ("/mcp/t/users,roles", "/mcp/t/users,roles"),
        ):
            said = (await http.get(f"{well_known}{path}")).json()
            assert said["resource"] == f"{ORIGIN}{resource}"
            assert said["authorization_servers"] == [world.provider.issuer]
            assert said["bearer_methods_supported"] == ["header"]
            assert said["scopes_supported"][0] == "descope:read"
            assert ("descope:write" in said["scopes_supported"]) == ("readonly" not in path)
        for path in ("/other", "/mcp/t/nothing", "x"):
            assert (await http.get(f"{well_known}{path}")).status_code == 404
