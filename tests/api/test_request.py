from __future__ import annotations

import json
from typing import Any

import pytest

from descope_mcp import __version__
from descope_mcp.api.errors import ApiFailure
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog

from ..recorder import Recorded, recording
from .sockets import call, closed_port

pytestmark = pytest.mark.anyio


async def sent(catalog: Catalog, name: str, arguments: dict[str, Any], base: str = "") -> Recorded:
    """The one request of a call, as it arrived."""
    async with recording() as recorder:
        await call(recorder.url + base, catalog, name, check(catalog[name], arguments))
    (request,) = recorder.requests
    return request


async def test_a_post_carries_its_arguments_as_json(catalog: Catalog) -> None:
    request = await sent(catalog, "DeleteUser", {"loginId": "ada"})
    assert (request.method, request.path) == ("POST", catalog["DeleteUser"].path)
    assert (request.query, request.json) == ([], {"loginId": "ada"})
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"descope-mcp/{__version__}"
    assert request.headers["x-external-rid"] == "c1"


async def test_a_post_without_arguments_has_an_empty_object(catalog: Catalog) -> None:
    assert (await sent(catalog, "ListProject", {})).json == {}


async def test_a_get_has_a_query_and_no_body(catalog: Catalog) -> None:
    request = await sent(catalog, "LoadTenant", {"id": "a b&c=d#é"})
    assert (request.method, request.body) == ("GET", b"")
    assert request.query == [("id", "a b&c=d#é")]
    assert "content-type" not in request.headers


async def test_a_query_repeats_lists_and_spells_booleans(catalog: Catalog) -> None:
    arguments = {"claims": ["a", "b"], "usePreLoadedClaims": True, "urlsWithProjectID": False}
    request = await sent(
        catalog, "GetWellKnownConfigurationOpenID", {"projectId": "P1", **arguments}
    )
    assert sorted(request.query) == [
        ("claims", "a"),
        ("claims", "b"),
        ("urlsWithProjectID", "false"),
        ("usePreLoadedClaims", "true"),
    ]


async def test_a_whole_number_in_a_query_has_no_point(catalog: Catalog) -> None:
    request = await sent(catalog, "LoadAllThirdPartyApplications", {"page": 2.0, "limit": 5})
    assert sorted(request.query) == [("limit", "5"), ("page", "2")]


async def test_a_path_argument_stays_one_segment(catalog: Catalog) -> None:
    request = await sent(catalog, "LoadSCIMUser", {"userId": "a@b c;d+é{userId}"})
    assert request.path == "/scim/v2/Users/a%40b%20c%3Bd%2B%C3%A9%7BuserId%7D"


async def test_what_stands_in_path_and_body_goes_to_both(catalog: Catalog) -> None:
    arguments = {"userId": "U1", "userId_body": "U1", "userName": "ada"}
    request = await sent(catalog, "UpdateSCIMUser", arguments)
    assert request.path == "/scim/v2/Users/U1"
    assert request.json == {"userId": "U1", "userName": "ada"}


async def test_a_bare_array_is_the_whole_body(catalog: Catalog) -> None:
    request = await sent(catalog, "UsersAuthHistory", {"userIds": ["U1", "U2"]})
    assert json.loads(request.body) == ["U1", "U2"]


async def test_a_base_url_may_have_a_path(catalog: Catalog) -> None:
    request = await sent(catalog, "LoadTenant", {"id": "x"}, base="/descope")
    assert request.path == "/descope/v1/mgmt/tenant"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("LoadTenant", {"id": "x" * 70_000}),
        ("LoadSCIMUser", {"userId": "x" * 70_000}),
    ],
)
async def test_what_is_too_long_for_a_url_is_not_sent(
    catalog: Catalog, name: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ApiFailure) as caught:
        await call(f"http://127.0.0.1:{closed_port()}", catalog, name, arguments)
    assert caught.value.kind == "invalid_arguments"
    assert name in caught.value.message
    assert caught.value.remedy
