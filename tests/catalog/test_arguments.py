"""What passes as arguments of an operation, what is refused, and in which words."""

import json
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import MissingCredential
from descope_mcp.api.request import Request, build
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import is_blank, replaced_at, values_at
from descope_mcp.catalog.operation import Operation
from tests.recorder import ACCESS_KEY, MANAGEMENT_KEY, PROJECT, sample_arguments

KEYS = Credentials(PROJECT, MANAGEMENT_KEY, "", ACCESS_KEY)
SECRET = "s3cr3t-value"
CATALOG = load()
IN_PATH = [
    (operation.name, name)
    for operation in CATALOG.values()
    for name, place in operation.places.items()
    if place.where == "path"
]


def twins(operation: Operation) -> list[str]:
    """The arguments of the body that say again what stands in the path."""
    in_path = {p.name: name for name, p in operation.places.items() if p.where == "path"}
    return [name for name, p in operation.places.items() if in_path.get(p.name, name) != name]


def problems_of(operation: Operation, arguments: object) -> list[str]:
    with pytest.raises(InvalidArguments) as caught:
        check(operation, arguments)
    assert SECRET not in str(caught.value)
    return caught.value.problems


def request_of(operation: Operation, arguments: object) -> Request:
    return build(operation, check(operation, arguments), KEYS, "id")


def body_of(operation: Operation, arguments: object) -> Any:
    return json.loads(request_of(operation, arguments).body or b"null")


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("LoadUser", {"loginId": "a", SECRET[:2]: 1}, "s3: not an argument of this operation"),
        (
            "SearchUsers",
            {"sort": [{"field": "a"}, {"fields": SECRET}]},
            "sort[1]: fields: not an argument of this operation",
        ),
        ("SearchUsers", {"limit": SECRET}, "limit: expected integer, got string"),
        ("SearchUsers", {"limit": True}, "limit: expected integer, got boolean"),
        ("SearchUsers", {"limit": 1.5}, "limit: expected integer, got number"),
        ("SearchUsers", {"limit": "1e3"}, "limit: expected integer, got string; write a whole"),
        ("SearchUsers", {"limit": "007"}, "limit: expected integer, got string; write a whole"),
        ("SearchUsers", {"text": True}, "text: expected string, got boolean; write it in quotes"),
        ("SearchUsers", {"text": 1.0}, "text: expected string, got number; write it in quotes"),
        ("SearchUsers", {"text": 2**53}, "text: expected string, got integer; write it in quotes"),
        ("SearchUsers", {"ssoOnly": "yes"}, "ssoOnly: expected boolean, got string; write true or"),
        ("SearchUsers", {"ssoOnly": 1}, "ssoOnly: expected boolean, got integer; write true or"),
        ("SearchUsers", {"text": [SECRET]}, "text: expected string, got array"),
        ("SearchUsers", {"emails": SECRET}, "emails: expected array, got string"),
        ("SearchUsers", {"emails": {SECRET: 1}}, "emails: expected array, got object"),
        ("SearchUsers", {"emails": ["a", None]}, "emails[1]: expected string, got null"),
        ("SearchUsers", {"emails": '["a", true]'}, "emails[1]: expected string, got boolean"),
        (
            "SearchUsers",
            {"tenantRoleIds": {"T1": {"values": 1}}},
            "tenantRoleIds.T1.values: expected array, got integer",
        ),
        (
            "ThirdPartyApplicationCIBAEndpoint",
            {"requested_expiry": -5},
            "requested_expiry: must be at least 0",
        ),
        ("CreateList", {"data": 1}, "data: expected array or object, got integer"),
        ("CreateList", {"data": ["a", 1.5]}, "data[1]: expected string, got number"),
        ("LoadUser", {}, "one of loginId, userId is needed"),
        ("LoadUser", {"loginId": "", "userId": None}, "one of loginId, userId is needed"),
        ("UsersAuthHistory", {}, "userIds: required"),
        ("UsersAuthHistory", {"userIds": None}, "userIds: required"),
        ("LoadUser", [SECRET], "arguments: an object was expected"),
        ("LoadUser", SECRET, "arguments: an object was expected"),
        ("LoadUser", '["loginId"]', "arguments: an object was expected"),
        ("LoadUser", 5, "arguments: an object was expected"),
        ("SearchUsers", {"text": "\ud800"}, "text: holds an unpaired surrogate"),
        ("SearchUsers", {"\ud800": 1}, "arguments: a name holds an unpaired surrogate"),
        (
            "SearchUsers",
            {"customAttributes": {"a": float("nan")}},
            "customAttributes.a: expected a finite number",
        ),
        ("SearchUsers", '{"limit": 1e999}', "limit: expected a finite number"),
        ("SearchUsers", {"limit": 10**5000}, "limit: the number is too large"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    catalog: Catalog, name: str, arguments: object, problem: str
) -> None:
    assert any(found.startswith(problem) for found in problems_of(catalog[name], arguments))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"limit": 3.0}, {"limit": 3}),
        ({"limit": "2"}, {"limit": 2}),
        ({"limit": "2.0"}, {"limit": 2}),
        ({"testUsersOnly": "true"}, {"testUsersOnly": True}),
        ({"testUsersOnly": "False"}, {"testUsersOnly": False}),
        ({"text": 15551234567}, {"text": "15551234567"}),
        ({"emails": [1, "a"]}, {"emails": ["1", "a"]}),
        ({"sort": [{"field": 1, "desc": "true"}]}, {"sort": [{"field": "1", "desc": True}]}),
        (
            {"customAttributes": {"a": "true", "b": 1.0}},
            {"customAttributes": {"a": "true", "b": 1.0}},
        ),
    ],
)
def test_a_scalar_in_another_type_is_read_where_it_means_one_thing(
    catalog: Catalog, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    search = catalog["SearchUsers"]
    for arguments in (given, json.dumps(given)):
        found = check(search, arguments)
        assert json.dumps(found) == json.dumps(sent)
        assert check(search, found) == found


TOMORROW = 1796000000


@pytest.mark.parametrize(
    ("name", "path", "given", "sent"),
    [
        ("CreateAccessKey", "expireTime", TOMORROW, str(TOMORROW)),
        ("CreateAccessKey", "expireTime", f"{TOMORROW}", str(TOMORROW)),
        ("CreateAccessKey", "expireTime", float(TOMORROW), str(TOMORROW)),
        ("CreateAccessKey", "expireTime", 0, "0"),
        ("CreateAccessKey", "expireTime", "2026-11-30T00:53:20Z", str(TOMORROW)),
        ("CreateAccessKey", "expireTime", "2026-11-30 02:53+02:00", str(TOMORROW - 20)),
        ("CreateAccessKey", "expireTime", "2026-11-30", "1795996800"),
        ("SearchAudit", "from", TOMORROW * 1000, f"{TOMORROW}000"),
        ("SearchAudit", "from", "2026-11-30T00:53:20.5Z", f"{TOMORROW}500"),
        ("CreateUsers", "users[].createdTime", "2026-11-30T00:53:20Z", TOMORROW),
    ],
)
def test_a_moment_is_sent_in_the_unit_of_its_record(
    catalog: Catalog, name: str, path: str, given: Any, sent: Any
) -> None:
    checked = check(
        catalog[name], replaced_at(sample_arguments(catalog[name]), path, lambda _: given)
    )
    assert values_at(checked, path) == [sent]


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        (
            "CreateAccessKey",
            TOMORROW * 1000,
            f"looks like milliseconds; 2026-11-30T00:53:20Z is {TOMORROW}",
        ),
        ("CreateAccessKey", f"{TOMORROW}000000", "looks like microseconds; 2026-11-30"),
        ("CreateAccessKey", 86400, "seconds since 1970, not those from now"),
        ("CreateAccessKey", -1, "between 1990 and 2100"),
        ("CreateAccessKey", 9999999999, "between 1990 and 2100"),
        ("CreateAccessKey", "2026-11-30T00:53:20", "says no time zone"),
        ("CreateAccessKey", "2026-13-30", "a moment as 2026-12-31T09:00:00Z"),
        ("CreateAccessKey", "tomorrow", "a moment as 2026-12-31T09:00:00Z"),
        ("CreateAccessKey", True, "expected string, got boolean"),
        ("CreateManagementKey", TOMORROW * 1000, f"is {TOMORROW}"),
        ("SearchAudit", TOMORROW, f"looks like seconds; 2026-11-30T00:53:20Z is {TOMORROW}000"),
    ],
)
def test_a_moment_that_cannot_be_meant_is_refused_with_what_probably_was(
    catalog: Catalog, name: str, given: Any, meant: str
) -> None:
    operation = catalog[name]
    argument = next(iter(operation.moments))
    (problem,) = problems_of(operation, {**sample_arguments(operation), argument: given})
    assert problem.startswith(f"{argument}: ")
    assert meant in problem


def test_every_problem_is_told(catalog: Catalog) -> None:
    wrong = {"limit": SECRET, "page": SECRET, "bogus": SECRET}
    assert len(problems_of(catalog["SearchUsers"], wrong)) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        '{"emails": ["a"], "sort": [{"field": "email", "desc": true}]}',
        {"emails": '["a"]', "sort": '[{"field": "email", "desc": true}]'},
        {"emails": ["a"], "sort": ['{"field": "email", "desc": true}']},
        '{"emails": "[\\"a\\"]", "sort": [{"field": "email", "desc": true}]}',
    ],
)
def test_json_strings_count_as_what_they_spell(catalog: Catalog, arguments: object) -> None:
    expected = {"emails": ["a"], "sort": [{"field": "email", "desc": True}]}
    assert check(catalog["SearchUsers"], arguments) == expected


def test_json_strings_are_read_in_maps_and_where_several_types_fit(catalog: Catalog) -> None:
    roles = {"tenantRoleIds": {"T1": '{"values": ["R1"]}'}}
    assert check(catalog["SearchUsers"], roles) == {"tenantRoleIds": {"T1": {"values": ["R1"]}}}
    ips = {"name": "a", "type": "ips", "data": '["1.1.1.1"]'}
    assert check(catalog["CreateList"], ips)["data"] == ["1.1.1.1"]


def test_text_stays_text_even_if_it_looks_like_json(catalog: Catalog) -> None:
    assert check(catalog["SearchUsers"], {"text": '["a"]'}) == {"text": '["a"]'}
    value = {"loginId": "a", "attributeKey": "k", "attributeValue": "[1]"}
    assert check(catalog["UpdateUserCustomAttribute"], value) == value


def test_a_null_is_an_argument_left_out(catalog: Catalog) -> None:
    given = {
        "text": None,
        "sort": [{"field": "email", "desc": None}],
        "tenantRoleIds": {"T1": {"values": ["R1"], "and": None}},
        "customAttributes": {"seat": None},
    }
    assert check(catalog["SearchUsers"], given) == {
        "sort": [{"field": "email"}],
        "tenantRoleIds": {"T1": {"values": ["R1"]}},
        # Nobody but the caller knows what a null means in a free map.
        "customAttributes": {"seat": None},
    }
    assert check(catalog["SearchUsers"], None) == {}


def test_null_keeps_and_an_empty_list_clears(catalog: Catalog) -> None:
    patch = catalog["PatchUser"]
    keep = {"loginId": "a", "roleNames": None, "name": None}
    assert body_of(patch, keep) == {"loginId": "a", "roleNames": None}
    clear: dict[str, Any] = {"loginId": "a", "roleNames": [], "userTenants": []}
    assert body_of(patch, clear) == clear
    assert "expected array" in problems_of(patch, {"loginId": "a", "roleNames": "null"})[0]


@pytest.mark.parametrize(
    "value",
    ["", ".", "..", "...", "a/b", "a\\b", "a?b", "a#b", "a%2fb", "\x00", "a\nb", "a\x7f", "a\x9b"],
)
def test_nothing_is_smuggled_into_a_path(value: str) -> None:
    for operation_name, name in IN_PATH:
        operation = CATALOG[operation_name]
        arguments = {**sample_arguments(operation), name: value}
        (problem,) = problems_of(operation, arguments)
        assert problem.startswith(f"{name}: ")


def nest(levels: int, value: Any = 1) -> Any:
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize("levels", [64, 300, 5_000])
def test_deep_nesting_is_refused(catalog: Catalog, levels: int) -> None:
    arguments = {"customAttributes": {"a": nest(levels)}}
    problem = "customAttributes: nested deeper than 64 levels"
    assert problems_of(catalog["SearchUsers"], arguments) == [problem]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"customAttributes":' * 100_000])
def test_deep_nesting_in_a_string_is_refused(catalog: Catalog, text: str) -> None:
    search = catalog["SearchUsers"]
    assert problems_of(search, text) == ["arguments: an object was expected"]
    within = problems_of(search, {"customAttributes": text})
    assert within == ["customAttributes: expected object, got string"]
    whole = json.dumps({"customAttributes": {"a": nest(300)}})
    assert problems_of(search, whole) == ["customAttributes: nested deeper than 64 levels"]


def test_a_flood_of_problems_is_answered_in_few_words(catalog: Catalog) -> None:
    search = catalog["SearchUsers"]
    floods: list[dict[str, Any]] = [
        {"emails": [True] * 20_000},
        {"customAttributes": {"a": [float("inf")] * 20_000}},
        {f"a{number}": 1 for number in range(20_000)},
        {"a" * 1_000_000: 1},
        {"tenantRoleIds": {"T" * 1_000_000: 1}},
        {"customAttributes": {"a" * 1_000_000: float("nan")}},
    ]
    for flood in floods:
        assert len("; ".join(problems_of(search, flood))) < 2_000


def test_many_good_arguments_pass(catalog: Catalog) -> None:
    emails = ["a@example.com"] * 20_000
    assert check(catalog["SearchUsers"], {"emails": emails})["emails"] == emails


# Drawn arguments. The surrogates are left out: no JSON in UTF-8 can hold one.
characters = st.characters(exclude_categories=["Cs"])
names = st.text(characters, max_size=8)
path_values = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\?#%"), min_size=1
).filter(lambda text: set(text) != {"."})
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["{}", "[]", "[[", "null", '{"a": 1}', "1e999"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
QUICK = settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _says_something(value: Any) -> bool:
    return not is_blank(value)


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a published schema allows."""
    if "anyOf" in schema:
        return st.one_of([fitting(choice) for choice in schema["anyOf"]])
    match schema["type"]:
        case "string":
            return names
        case "integer":
            return st.integers(schema.get("minimum", -(2**31)), 2**31)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(fitting(schema["items"]).filter(_says_something), max_size=3)
    if "properties" in schema:
        fields = {name: fitting(value) for name, value in schema["properties"].items()}
        return st.fixed_dictionaries({}, optional=fields)
    other = schema.get("additionalProperties")
    return st.dictionaries(names, fitting(other) if isinstance(other, dict) else names, max_size=3)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An operation's name, and arguments that its schema and its record allow."""
    operation = CATALOG[draw(st.sampled_from(list(CATALOG)))]
    needed = {*operation.input_schema.get("required", ()), *(g[0] for g in operation.one_of)}
    arguments = {}
    for name, schema in operation.input_schema["properties"].items():
        if name not in needed and not draw(st.booleans()):
            continue
        where = operation.places[name].where
        if where == "credential":
            arguments[name] = "e30.e30.e30"
        elif where == "path":
            arguments[name] = draw(path_values)
        elif any(name == group[0] for group in operation.one_of):
            arguments[name] = draw(fitting(schema).filter(_says_something))
        else:
            arguments[name] = draw(fitting(schema))
    for path, unit in operation.moments.items():
        moment = draw(st.integers(10**9, 4 * 10**9)) * (1000 if unit == "milliseconds" else 1)
        as_given = partial(lambda moment, value: type(value)(moment), moment)
        arguments = replaced_at(arguments, path, as_given)
    in_path = {p.name: name for name, p in operation.places.items() if p.where == "path"}
    for name in arguments:
        # What the body says again of what stands in the path has to be the same.
        arguments[name] = arguments[in_path.get(operation.places[name].name, name)]
    return operation.name, arguments


@pytest.mark.parametrize("name", [n for n, o in CATALOG.items() if twins(o)])
def test_the_body_says_nothing_else_than_the_path(name: str) -> None:
    operation = CATALOG[name]
    for twin in twins(operation):
        given = sample_arguments(operation)
        request_of(operation, given)
        (problem,) = problems_of(operation, {**given, twin: "other"})
        assert problem.startswith(f"{twin}: says ")


def segments(operation: Operation, request: Request) -> list[tuple[str, str]]:
    """The template's segments with those of the request; equally many."""
    path, _, _ = request.target.partition("?")
    return list(zip(operation.path.split("/"), path.split("/"), strict=True))


def tried(operation: Operation, arguments: object) -> Request | None:
    """The request, None where the arguments are refused; nothing else may come of them."""
    try:
        return request_of(operation, arguments)
    except (InvalidArguments, MissingCredential) as error:
        str(error).encode()
        return None


@QUICK
@given(calls())
def test_what_the_schema_allows_becomes_a_request(call: tuple[str, dict[str, Any]]) -> None:
    operation, arguments = CATALOG[call[0]], call[1]
    request = request_of(operation, arguments)
    for template, sent in segments(operation, request):
        name = template.removeprefix("{").removesuffix("}")
        assert unquote(sent) == (arguments[name] if name != template else template)
    queried = {n for n, v in arguments.items() if operation.places[n].where == "query" and v != []}
    _, _, query = request.target.partition("?")
    assert {name for name, _ in parse_qsl(query, keep_blank_values=True)} == queried
    if request.body and not operation.array_body:
        body = {n: p.name for n, p in operation.places.items() if p.where == "body"}
        wanted = {body[n]: value for n, value in arguments.items() if n in body}
        assert json.loads(request.body) == wanted


@QUICK
@given(calls())
def test_a_call_as_a_json_string_is_the_same_call(call: tuple[str, dict[str, Any]]) -> None:
    operation, arguments = CATALOG[call[0]], call[1]
    assert check(operation, json.dumps(arguments)) == check(operation, arguments)


@QUICK
@given(calls(), st.data())
def test_one_argument_replaced_by_anything(
    call: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    operation, arguments = CATALOG[call[0]], call[1]
    name = data.draw(st.sampled_from([*operation.places, "bogus"]))
    request = tried(operation, {**arguments, name: data.draw(json_values)})
    if request is not None:
        assert name in operation.places
        segments(operation, request)
        json.loads(request.body or b"{}", parse_constant=pytest.fail)


@QUICK
@given(st.sampled_from(list(CATALOG)), json_values)
def test_any_json_passes_or_is_refused(name: str, arguments: Any) -> None:
    tried(CATALOG[name], arguments)


@QUICK
@given(st.sampled_from(IN_PATH), st.text())
def test_no_path_value_changes_the_path(place: tuple[str, str], value: str) -> None:
    operation, name = CATALOG[place[0]], place[1]
    request = tried(operation, {**sample_arguments(operation), name: value})
    if request is not None:
        position = operation.path.split("/").index("{" + name + "}")
        _, sent = segments(operation, request)[position]
        assert unquote(sent) == value
        assert sent not in ("", ".", "..")


def test_a_sealed_value_is_not_sent_back(catalog: Catalog) -> None:
    with pytest.raises(InvalidArguments, match="clientSecret: a sealed value cannot be sent"):
        check(catalog["CreateOutboundApp"], {"name": "n", "clientSecret": "[sealed]"})
