"""What the compiler refuses, where it points, and when a checkout is compiled anew."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from descope_mcp.catalog import catalog as catalogs
from descope_mcp.catalog.build.compile import compile_catalog
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import SpecError
from tests.catalog.build.many_faults import refusal, unheard
from tests.recorder import SPECS

#: Stands in for the real record, so that the cases below do not hang on its wording.
RECORD = """\
  DeleteRole:
    endpoint: POST /v1/mgmt/role/delete
    title: Delete a role
    says: 'Delete the role {target}[ of {users user|users}]'
    description: Deletes one role of the project or of a tenant.
    effect: destructive
    examples: [{say: Remove it, arguments: {id: R1}}]
    required: [id]
    one_of: [[name, id]]
    when:
      - {filled: [tenantId], add: [bulk], why: it is a tenant's}
    target: $before.name
    preview:
      - operation: SearchRoles
        arguments: {roleNames: [$args.name]}
        find: roles
        match: {name: $args.name, tenantId: $args.tenantId}
        bare: [tenantId]
    impact:
      - {operation: SearchUsers, arguments: {roleNames: [$before.name]}, count: total, label: users,
         key: users}
    restore:
      - {operation: CreateRole, arguments: {$like: $before}}
      - operation: UpdateRoles
        each: $before.permissionNames
        arguments: {roles: [{id: $before.id, newName: $item}]}
        joined: true
    safer: {operation: UpdateRole, why: it stays}
    secret_arguments: [name]
    notes: {name: its name}
"""
REPAIR = """\
- name: one-more
  reason: a case of this test
"""

#: What is put in the place of what, the line that must be named, and what must be said of it.
RECORD_CASES = {
    "an example that does not fit": (
        "arguments: {id: R1}",
        "arguments: {tenant: R1}",
        "    examples:",
        "DeleteRole: ",
    ),
    "unknown key": ("    required:", "    needed:", "needed:", "Extra inputs are not permitted"),
    "unknown key of a rule": (
        "{filled: [tenantId],",
        "{fill: [tenantId],",
        "{fill:",
        "Extra inputs are not permitted",
    ),
    "no words of the consequence": (
        "    says: 'Delete the role {target}[ of {users user|users}]'\n",
        "",
        "DeleteRole:",
        "says is missing",
    ),
    "a consequence with a bracket that stays open": (
        "|users}]'",
        "|users}'",
        "    says:",
        "a [ that is not closed",
    ),
    "a consequence with a count that nobody makes": (
        "{users user|users}",
        "{keys key|keys}",
        "    says:",
        "no count of the impact has this key",
    ),
    "a consequence that names nothing": (
        "role {target}",
        "role {$args.nobody}",
        "    says:",
        "$args.nobody leads nowhere",
    ),
    "unknown effect": ("effect: destructive", "effect: bad", "effect: bad", "Input should be"),
    "no title": ("    title: Delete a role\n", "", "DeleteRole:", "title: Field required"),
    "doubled key": (
        "    required: [id]",
        "    title: Again\n    required: [id]",
        "title: Again",
        "title occurs twice",
    ),
    "not YAML": ("one_of: [[name, id]]", "one_of: [[name, id]", "    when:", "column"),
    "other name": ("  DeleteRole:", "  RemoveRole:", "endpoint:", "is called DeleteRole, not Rem"),
    "other endpoint": (
        "role/delete",
        "role/remove",
        "endpoint:",
        "the contract has no POST /v1/mgmt/role/remove",
    ),
    "description too long": (
        "Deletes one role",
        "Deletes " + "really " * 60,
        "description:",
        "4 to 60 are allowed",
    ),
    "required": ("required: [id]", "required: [nme]", "required:", "no argument nme"),
    "one_of": ("[[name, id]]", "[[name, di]]", "one_of:", "no argument di"),
    "notes": ("notes: {name:", "notes: {nme:", "notes:", "no argument nme"),
    "secret argument": (
        "secret_arguments: [name]",
        "secret_arguments: [key]",
        "secret_arguments:",
        "no argument key",
    ),
    "when": ("filled: [tenantId]", "filled: [tenant]", "{filled:", "no argument tenant"),
    "rule without a condition": ("filled: [tenantId], ", "", "{add:", "no condition"),
    "rule without a consequence": ("add: [bulk], ", "", "{filled:", "no consequence"),
    "secrets of a read": (
        "    notes:",
        "    once: true\n    notes:",
        "once:",
        "must be listed in secrets",
    ),
    "recipe's operation": (
        "operation: SearchRoles",
        "operation: Find",
        "Find",
        "no operation Find",
    ),
    "recipe's argument": (
        "{roleNames: [$args",
        "{names: [$args",
        "SearchRoles",
        "no argument names",
    ),
    "recipe's answer": ("find: roles", "find: rules", "SearchRoles", "SearchRoles has no rules"),
    "recipe's match": ("{name: $args", "{nme: $args", "SearchRoles", "what is found has no nme"),
    "bare without match": ("bare: [tenantId]", "bare: [id]", "SearchRoles", "id is not in match"),
    "reference to no argument": (
        "[$args.name]",
        "[$args.nme]",
        "SearchRoles",
        "$args.nme leads nowhere",
    ),
    "reference to no field": (
        "[$before.name]",
        "[$before.nme]",
        "SearchUsers",
        "$before.nme leads nowhere",
    ),
    "reference to no root": ("[$args.name]", "[$arg.name]", "SearchRoles", "is no reference"),
    "reference before it is read": (
        "[$args.name]",
        "[$before.name]",
        "SearchRoles",
        "there is no before here",
    ),
    "impact's operation": (
        "operation: SearchUsers",
        "operation: Count",
        "operation: Count",
        "no operation Count",
    ),
    "impact's count": ("count: total", "count: sum", "SearchUsers", "SearchUsers has no sum"),
    "target": ("target: $before.name", "target: $before.nme", "target:", "leads nowhere"),
    "restore's operation": ("CreateRole,", "MakeRole,", "MakeRole", "no operation MakeRole"),
    "restore that reads": ("CreateRole,", "LoadAllRoles,", "LoadAllRoles", "only reads"),
    "restore's argument": ("{$like:", "{nme: a, $like:", "CreateRole", "has no argument nme"),
    "restore's nested argument": ("{id: $b", "{di: $b", "UpdateRoles", "no argument roles.di"),
    "restore like nothing": ("$like: $before", "$like: $args.id", "CreateRole", "takes no field"),
    "restore without what is required": (
        "{$like: $before}",
        "{description: a}",
        "CreateRole",
        "name is required and not given",
    ),
    "restore by no reference": (
        "newName: $item",
        "newName: $itm",
        "UpdateRoles",
        "$itm is no reference",
    ),
    "restore by an element of nothing": (
        "        each: $before.permissionNames\n",
        "",
        "UpdateRoles",
        "of, match and joined need each",
    ),
    "restore by an answer that says nothing": (
        "newName: $item",
        "newName: $answer.name",
        "UpdateRoles",
        "there is no answer here",
    ),
    "neither restored nor lost": (
        RECORD[RECORD.index("    restore:") : RECORD.index("    safer:")],
        "",
        "DeleteRole:",
        "neither how it is undone",
    ),
    "lost nothing": (
        "    safer:",
        "    lost: Nothing that matters.\n    safer:",
        "lost:",
        "names what does not come back",
    ),
    "safer": ("operation: UpdateRole,", "operation: Hide,", "safer:", "no operation Hide"),
}

#: What is added to a repair, and what must be said of it.
REPAIR_CASES = {
    "operation that is not there": ("remove: [GET /v1/none]", "the contract has no GET /v1/none"),
    "name of none": ("rename: {GET /v1/none: None}", "the contract has no GET /v1/none"),
    "wire of none": ("wire: {GET /v1/none: {unwrapped: a}}", "the contract has no GET /v1/none"),
    "redirect of none": ("redirect: {Gone: List}", "nothing refers to Gone"),
    "drop of none": (
        "drop: [components > schemas > List > default]",
        "there is no components > schemas > List > default",
    ),
    "set below none": ("set: {components > none > type: object}", "there is no components > none"),
    "set to what it is": (
        "set: {components > schemas > List > type: object}",
        "components > schemas > List > type is right already",
    ),
    "unknown kind": ("replace: {a: b}", "replace is no kind of repair"),
    "unknown wire": ("wire: {GET /v1/mgmt/user: {wraps: a}}", "wraps is no kind of repair"),
}


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of tool_specs with RECORD in it."""
    copy = tmp_path / "tool_specs"
    shutil.copytree(SPECS, copy)
    replace_record(copy, RECORD)
    return copy


def replace_record(specs: Path, record: str) -> None:
    path = specs / "operations" / "roles.yaml"
    text, changed = _RECORD.subn(lambda _: record, path.read_text())
    assert changed == 1
    path.write_text(text)


_RECORD = re.compile(r"^  DeleteRole:\n(    .*\n|\n)+", re.MULTILINE)


def line_with(path: Path, start: str, words: str) -> int:
    """The number of the first line that holds `words`, counted from the line with `start`."""
    lines = path.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if start in line)
    return next(n for n, line in enumerate(lines[first:], first + 1) if words in line)


def put(path: Path, old: str, new: str) -> bool:
    """Put something in the place of what stands once in a file, if it still does."""
    text = path.read_text()
    if text.count(old) != 1:
        return False
    path.write_text(text.replace(old, new))
    return True


@pytest.fixture(scope="module")
def unheard_records(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def into(specs: Path, case: str) -> bool:
        old, new, _, _ = RECORD_CASES[case]
        path = specs / "operations" / "roles.yaml"
        found = _RECORD.search(path.read_text())
        if found is None or found[0].count(old) != 1:
            return False
        replace_record(specs, found[0].replace(old, new))
        return True

    def told(specs: Path, case: str, problems: str) -> bool:
        _, _, line, says = RECORD_CASES[case]
        path, name = specs / "operations" / "roles.yaml", "  DeleteRole:"
        name = "  RemoveRole:" if case == "other name" else name
        try:
            number = line_with(path, name, line)
        except StopIteration:
            return False
        pointing = re.compile(rf"roles\.yaml(:|\", line ){number}\b.*{re.escape(says)}")
        return any(map(pointing.search, problems.splitlines()))

    begun = filled / "tool_specs"
    return unheard(RECORD_CASES, tmp_path_factory.mktemp("records"), into, told, begun)


@pytest.mark.parametrize("case", RECORD_CASES)
def test_a_wrong_record_is_refused_with_its_line(
    unheard_records: dict[str, str], case: str
) -> None:
    assert case not in unheard_records, unheard_records[case]


def test_the_record_of_these_cases_is_right(specs: Path) -> None:
    compile_catalog(specs)


#: A file of records, what is put in the place of what in it, and what must be said of that.
FAULTS = {
    "a creation that says nothing": (
        "operations/lists",
        "    existing: refused  # python-sdk: names are unique\n",
        "",
        "CreateList: does not say what becomes of what exists",
    ),
    "a creation that does not look": (
        "operations/lists",
        "existing: refused  # python",
        "existing: unknown  # python",
        "CreateList: it may overwrite what exists and does not look for it",
    ),
    "a creation that deletes what was there": (
        "operations/users",
        '"$args.attributes[].name - $before[].name"',
        '"$args.attributes[].name"',
        "CreateUserCustomAttribute: it would delete what was there before",
    ),
    "a creation that deletes what is older": (
        "operations/roles",
        "existing: refused  # E024104\n    examples:\n    - say: We need",
        "existing: another  # E024104\n    examples:\n    - say: We need",
        "CreatePermission: it must delete what the answer names",
    ),
    "a creation that is compared in part": (
        "operations/users",
        '    before:\n      "attributes[]": {among: $before, match: {name: $args.name}}\n',
        "",
        "CreateUserCustomAttribute: the before-state has no attributes",
    ),
    "a creation that does not create": (
        "operations/lists",
        "    update: replace\n",
        "    update: replace\n    existing: kept\n",
        "only an operation that creates says what becomes",
    ),
    "a creation that names no update": (
        "operations/jwt-templates",
        "    overwrites: {operation: UpdateJwtTemplate}\n",
        "",
        "CreateJwtTemplate: may overwrite what exists; say that UpdateJwtTemplate does the same",
    ),
    "a creation that is milder than the update": (
        "operations/lists",
        "    hazards: [bulk, account_takeover]\n",
        "    hazards: [bulk]\n",
        "ImportLists: milder than UpdateList: account_takeover",
    ),
    "an object without a word, which cannot make a list look filled": (
        "operations/console-access",
        '"reBac.projectRoles[].roles"',
        "reBac.projectRoles",
        "reBac.projectRoles: an object without a word",
    ),
    "a credential of whose rights nothing is said": (
        "meanings",
        "    ImportAccessKeys: {lends: [keys.userId]}\n",
        "",
        "ImportAccessKeys: keys[].userId looks like roles",
    ),
    "what is handed out and outlasts an undo": (
        "operations/user-tokens",
        "    lost: The token that was handed out; it counts until it is used or expires.\n",
        "",
        "EmbeddedLinkSignup: hands out what outlasts an undo (link_token)",
    ),
    "a role of which nothing is said": (
        "operations/roles",
        "    defines: {name: name, tenant: tenantId, permissions: permissionNames}\n",
        "",
        "CreateRole: takes permissionNames and does not say of which role",
    ),
    "a role that no argument names": (
        "operations/roles",
        "defines: {each: roles, name: name,",
        "defines: {each: roles, name: nme,",
        "roles[].nme",
    ),
}


@pytest.fixture(scope="module")
def unheard_faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def into(specs: Path, case: str) -> bool:
        name, old, new, _ = FAULTS[case]
        return put(specs / f"{name}.yaml", old, new)

    def told(specs: Path, case: str, problems: str) -> bool:
        return FAULTS[case][3] in problems

    return unheard(FAULTS, tmp_path_factory.mktemp("faults"), into, told)


@pytest.mark.parametrize("case", FAULTS)
def test_what_does_not_fit_is_said(unheard_faults: dict[str, str], case: str) -> None:
    assert case not in unheard_faults, unheard_faults[case]


def test_a_secret_field_that_no_answer_has_is_refused(specs: Path) -> None:
    path = specs / "operations" / "users.yaml"
    text = path.read_text()
    path.write_text(
        text.replace("  LoadUser:\n", "  LoadUser:\n    secrets: [user.seal]\n", 1),
    )
    number = line_with(path, "  LoadUser:", "secrets:")
    assert refusal(specs) == f"users.yaml:{number}: LoadUser: the answer has no user.seal"


def test_an_operation_without_a_record_is_refused(specs: Path) -> None:
    replace_record(specs, "")
    path = specs / "openapi.json"
    number = line_with(path, '"/v1/mgmt/role/delete": {', '"post": {')
    assert f"openapi.json:{number}: POST /v1/mgmt/role/delete: DeleteRole has no" in refusal(specs)


def test_a_record_without_an_operation_is_refused(specs: Path) -> None:
    surplus = RECORD.replace("DeleteRole", "DeleteAll").replace("role/delete", "delete")
    replace_record(specs, RECORD + surplus)
    number = line_with(specs / "operations" / "roles.yaml", "  DeleteAll:", "endpoint:")
    problem = f"roles.yaml:{number}: DeleteAll: the contract has no POST /v1/mgmt/delete"
    assert problem in refusal(specs)


def test_a_second_record_is_refused(specs: Path) -> None:
    roles = specs / "operations" / "roles.yaml"
    users = specs / "operations" / "users.yaml"
    users.write_text(users.read_text().rstrip("\n") + "\n" + RECORD)
    first = line_with(roles, "  DeleteRole:", "endpoint:")
    second = line_with(users, "  DeleteRole:", "endpoint:")
    problem = f"users.yaml:{second}: DeleteRole has a record in roles.yaml:{first} already"
    assert problem in refusal(specs)


def test_a_toolset_is_called_like_its_file(specs: Path) -> None:
    (specs / "operations" / "roles.yaml").rename(specs / "operations" / "rolls.yaml")
    assert "rolls.yaml:1: the toolset is called roles" in refusal(specs)


@pytest.mark.parametrize("case", REPAIR_CASES)
def test_a_repair_that_fits_nothing_is_refused_with_its_line(specs: Path, case: str) -> None:
    repair, says = REPAIR_CASES[case]
    number = add_repair(specs, f"{REPAIR}  {repair}\n")
    problems = refusal(specs)
    assert problems.startswith(f"repairs.yaml:{number}: repair one-more: ")
    assert says in problems


def test_a_repair_without_a_reason_is_refused(specs: Path) -> None:
    number = add_repair(specs, "- name: one-more\n")
    assert f"repairs.yaml:{number}: a repair needs a name and a reason" in refusal(specs)


def test_a_text_that_nobody_wrote_is_missed(specs: Path) -> None:
    number = add_repair(specs, f"{REPAIR}  curated:\n    - GET /v1/none\n")
    problem = f"repairs.yaml:{number + 3}: repair one-more: no record for GET /v1/none"
    assert problem in refusal(specs)


def add_repair(specs: Path, entry: str) -> int:
    """Append an entry to repairs.yaml; the number of its first line."""
    path = specs / "repairs.yaml"
    before = path.read_text().rstrip("\n") + "\n"
    path.write_text(before + entry)
    return before.count("\n") + 1


@pytest.mark.parametrize(
    ("repair", "says"),
    [
        ("stub-mappable-resources", "has no operationId"),
        ("dangling-third-party-registration", "dangles"),
        ("duplicate-ids-by-version", "share the name"),
        ("long-names", "is called ThirdPartyApplicationAuthorizePOSTByMcpServerID, not"),
    ],
)
def test_no_repair_can_be_left_out(specs: Path, repair: str, says: str) -> None:
    path = specs / "repairs.yaml"
    kept = [entry for entry in yaml.safe_load(path.read_text()) if entry["name"] != repair]
    path.write_text(yaml.safe_dump(kept))
    assert says in refusal(specs)


def test_a_redirect_is_declared_by_the_contract_or_by_a_repair(
    specs: Path, catalog: Catalog
) -> None:
    """The contract as it is declares none."""
    path = specs / "openapi.json"
    document = json.loads(path.read_text())
    document["paths"]["/v1/mgmt/role/delete"]["post"]["responses"]["302"] = {"description": ""}
    path.write_text(json.dumps(document))
    compiled = {n: json.loads(o) for n, o in compile_catalog(specs)["operations"].items()}
    declared = {name for name, one in compiled.items() if one.get("redirects")}
    repaired = {name for name in catalog if catalog[name].redirects}
    assert declared - repaired == {"DeleteRole"}
    assert {"OIDCAuthZEndpointGetStart", "SAMLIDPHTTPRedirectBinding"} <= repaired
    assert not [name for name in repaired if catalog[name].plane != "end_user"]


#: What must be said, where in a file something is put in the place of something else.
NAMED = {
    "no operation LoadUsr": ("answers", "[LoadUser, PatchUser,", "[LoadUsr, PatchUser,"),
    "no operation SearchAudits": ("answers", "  SearchAudit: {", "  SearchAudits: {"),
    "no argument sinc": ("moments", "  since: mill", "  sinc: mill"),
    "minutes is none of seconds": ("moments", "since: milliseconds", "since: minutes"),
    "no argument CreateUserz": ("moments", "  CreateUsers: {", "  CreateUserz: {"),
    "no operation DeleteUsr": ("prompts", "`DeleteUser`", "`DeleteUsr`"),
    "argument user": ("prompts", "    Take all access away from {user}.", "    Take it."),
    "argument whom": ("prompts", "away from {user}.", "away from {user} {whom}."),
    "offboard-person": ("prompts", "away from {user}.", "away from {user"),
}


@pytest.fixture(scope="module")
def unheard_names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def into(specs: Path, case: str) -> bool:
        name, old, new = NAMED[case]
        path = specs / f"{name}.yaml"
        text = path.read_text()
        path.write_text(text.replace(old, new, 1))
        return old in text

    def told(specs: Path, case: str, problems: str) -> bool:
        return bool(re.search(rf"{NAMED[case][0]}\.yaml:\d+: .*{case}", problems))

    return unheard(NAMED, tmp_path_factory.mktemp("names"), into, told)


@pytest.mark.parametrize("case", NAMED)
def test_what_answers_and_prompts_name_must_exist(unheard_names: dict[str, str], case: str) -> None:
    assert case not in unheard_names, unheard_names[case]


def test_every_argument_that_is_called_like_a_time_has_a_unit(specs: Path) -> None:
    path = specs / "moments.yaml"
    path.write_text(path.read_text().replace("  expireTime: seconds\n", "", 1))
    assert "moments.yaml: CreateAccessKey: say what expireTime holds" in refusal(specs)


def test_a_long_name_is_refused(specs: Path) -> None:
    name = "DeleteRole" + "Really" * 7
    add_repair(specs, f"{REPAIR}  rename: {{POST /v1/mgmt/role/delete: {name}}}\n")
    replace_record(specs, RECORD.replace("DeleteRole", name))
    assert f"{name}: the name is longer than 46 characters" in refusal(specs)


def test_the_catalog_is_whole(catalog: Catalog) -> None:
    assert len(catalog) == 458
    assert max(len(name) for name in catalog) <= 46
    assert all(name == operation.name for name, operation in catalog.items())
    assert len({operation.title for operation in catalog.values()}) == 458
    assert len({(o.method, o.path) for o in catalog.values()}) == 458
    listed = [name for toolset in catalog.toolsets for name in toolset.operations]
    assert sorted(listed) == sorted(catalog)
    assert all(catalog[n].toolset == t.name for t in catalog.toolsets for n in t.operations)


def test_compiling_again_gives_the_same_bytes() -> None:
    """In two processes, since the order of sets differs between processes only."""
    program = (
        "import json, sys, pathlib; from descope_mcp.catalog.build.compile import compile_catalog;"
        "sys.stdout.write(json.dumps(compile_catalog(pathlib.Path(sys.argv[1]))))"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program, str(SPECS)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with RECORD in it, whose cache is filled."""
    place = tmp_path_factory.mktemp("checkout")
    shutil.copytree(SPECS, place / "tool_specs")
    replace_record(place / "tool_specs", RECORD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogs, "_ROOT", place)
        catalogs.load()
    return place


@pytest.fixture
def checkout(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    own = tmp_path / "checkout"
    shutil.copytree(filled, own)
    monkeypatch.setattr(catalogs, "_ROOT", own)
    return own


def cached(checkout: Path) -> Path:
    (path,) = (checkout / ".cache").iterdir()
    return path


def mark(path: Path) -> None:
    """Make the cache tell that it was read."""
    data: dict[str, Any] = json.loads(path.read_text())
    data["toolsets"][0]["title"] = "from the cache"
    path.write_text(json.dumps(data))


def test_an_unchanged_checkout_is_read_from_the_cache(checkout: Path) -> None:
    mark(cached(checkout))
    assert catalogs.load().toolsets[0].title == "from the cache"


def test_a_changed_record_is_compiled(checkout: Path) -> None:
    mark(cached(checkout))
    replace_record(checkout / "tool_specs", RECORD.replace("Delete a role", "Drop a role"))
    loaded = catalogs.load()
    assert loaded["DeleteRole"].title == "Drop a role"
    assert loaded.toolsets[0].title != "from the cache"
    assert "Drop a role" in cached(checkout).read_text()


def test_a_wrong_record_stops_the_start(checkout: Path) -> None:
    replace_record(checkout / "tool_specs", RECORD.replace("effect: destructive", "effect: mild"))
    with pytest.raises(SpecError, match=r"roles\.yaml:\d+"):
        catalogs.load()


@pytest.fixture
def already_compiled(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling, which takes seconds, gives what it has given."""
    data = json.loads(cached(filled).read_text())
    monkeypatch.setattr("descope_mcp.catalog.build.compile.compile_catalog", lambda _: data)


@pytest.mark.usefixtures("already_compiled")
@pytest.mark.parametrize("content", [b"", b'{"operations": {', b"\xff"])
def test_a_damaged_cache_is_replaced(checkout: Path, content: bytes) -> None:
    path = cached(checkout)
    path.write_bytes(content)
    assert len(catalogs.load()) == 458
    assert json.loads(cached(checkout).read_text())["operations"]


@pytest.mark.usefixtures("already_compiled")
def test_a_checkout_that_cannot_be_written_to_goes_without(checkout: Path) -> None:
    shutil.rmtree(checkout / ".cache")
    (checkout / ".cache").write_text("in the way")
    assert len(catalogs.load()) == 458


def test_an_installation_without_records_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "_ROOT", tmp_path)
    with pytest.raises(SpecError, match="install it again"):
        catalogs.load()


#: What is put in the place of what in ``meanings.yaml``, the line that must be named (of that file
#: unless another is), and what must be said of it.
MEANINGS_CASES = {
    "an argument that looks like a meaning": (
        "    roleInheritance: how the roles of a parent tenant count\n",
        "",
        ("tenants.yaml", "CreateTenant:"),
        "CreateTenant: roleInheritance looks like roles",
    ),
    "a membership that nobody looked at": (
        "keyTenants.tenantId, ",
        "",
        ("access-keys.yaml", "CreateAccessKey:"),
        "keyTenants[].tenantId looks like tenants",
    ),
    "what no argument is called": (
        "[customClaims, ",
        "[customClaims, moreClaims, ",
        "",
        "moreClaims",
    ),
    "an exception for no argument": (
        "UpdateUserAddTenant: {acts: [tenantId]}",
        "UpdateUserAddTenant: {acts: [tenantId, tenant]}",
        "",
        "no argument is called tenant",
    ),
    "an exception for no operation": (
        "    UpdateUserAddTenant:",
        "    AddTenant:",
        "",
        "AddTenant",
    ),
    "said twice": ("names: [client_uri]", "names: [client_uri, wreply]", "", "wreply stands twice"),
    "an unknown meaning": ("claims:\n", "claim:\n", "", "no meaning claim"),
    "an unknown key": ("  in_claims: [tenants, dct]", "  claims: [tenants]", "", "Extra inputs"),
    "no reason": (
        "  why: codes, tokens or people are sent there\n",
        "",
        "",
        "hosts: why: Field required",
    ),
}


@pytest.fixture(scope="module")
def unheard_meanings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def into(specs: Path, case: str) -> bool:
        old, new, _, _ = MEANINGS_CASES[case]
        return put(specs / "meanings.yaml", old, new)

    def told(specs: Path, case: str, problems: str) -> bool:
        _, _, line, says = MEANINGS_CASES[case]
        where = r"meanings\.yaml:\d+"
        if line:
            name, start = line
            where = f"{name}:{line_with(specs / 'operations' / name, start, start)}"
        return bool(re.search(rf"{where}: .*{re.escape(says)}", problems))

    return unheard(MEANINGS_CASES, tmp_path_factory.mktemp("meanings"), into, told)


@pytest.mark.parametrize("case", MEANINGS_CASES)
def test_every_argument_that_looks_like_a_meaning_is_marked_or_excused(
    unheard_meanings: dict[str, str], case: str
) -> None:
    assert case not in unheard_meanings, unheard_meanings[case]


@pytest.mark.parametrize(
    ("probe", "says"),
    [
        ("{operation: DeleteRole}", "DeleteRole is no harmless read of this toolset"),
        ("{operation: SearchUsers}", "SearchUsers is no harmless read of this toolset"),
        ("{operation: SearchRoles, arguments: {colour: red}}", "colour"),
    ],
)
def test_a_probe_is_a_read_that_fits(specs: Path, probe: str, says: str) -> None:
    path = specs / "operations" / "roles.yaml"
    text = path.read_text()
    path.write_text(text.replace("probe: {operation: LoadAllPermissions}", f"probe: {probe}"))
    problems = refusal(specs)
    assert says in problems
    assert f"roles.yaml:{line_with(path, 'probe:', 'probe:')}: roles: " in problems
