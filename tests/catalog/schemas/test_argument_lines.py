"""An operation's arguments as describe and the documentation show them."""

from __future__ import annotations

import json
import re

from descope_mcp.catalog.arguments.argument_paths import every
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.schemas.argument_lines import argument_lines

#: A name at the beginning of a line or after others of its type.
NAME = re.compile(r"(?:^ *|, )([\w.*-]+\??)(?=[,:])")


def lines(catalog: Catalog, name: str, *, unfolded: bool = False) -> list[str]:
    return argument_lines(catalog[name], catalog.explanation(name), unfolded=unfolded)


def line(catalog: Catalog, name: str, start: str) -> str:
    (found,) = (one for one in lines(catalog, name) if one.lstrip().startswith(start))
    return found


def test_every_argument_is_named_with_whether_it_is_needed(catalog: Catalog) -> None:
    for name, operation in catalog.items():
        needed = operation.input_schema.get("required", ())
        expected = sorted(n if n in needed else f"{n}?" for n in operation.places)
        shown = [one for one in lines(catalog, name, unfolded=True) if not one.startswith(" ")]
        assert sorted(n for one in shown for n in NAME.findall(one.partition(": ")[0] + ":")) == (
            expected
        )


def test_every_field_is_named_when_unfolded(catalog: Catalog) -> None:
    for name, operation in catalog.items():
        shown = re.findall(r"[\w-]+", "\n".join(lines(catalog, name, unfolded=True)))
        fields = {one.names[-1] for one in every(operation.input_schema["properties"])}
        assert fields <= set(shown), name


def test_every_switch_and_every_value_has_a_word(catalog: Catalog) -> None:
    """Or is listed as one that nobody knows."""
    said = unknown = 0
    for name, operation in catalog.items():
        explained = catalog.explanation(name)
        for one in every(operation.input_schema["properties"]):
            if one.schema.get("type") != "boolean" and "enum" not in one.schema:
                continue
            recorded = operation.input_schema["properties"].get(one.path, {}).get("description")
            unknown += one.path in explained.unknown
            said += bool(recorded or one.path in explained.notes)
            assert recorded or one.path in {*explained.notes, *explained.unknown}, one.path
    assert said > 450
    assert unknown < 110


def test_what_an_object_needs_is_seen(catalog: Catalog) -> None:
    shown = lines(catalog, "CreateUsers")
    assert "    tenantId: Tenant.id - the user is a member of it" in shown
    assert "    roleNames?: Role.name[] - held in that tenant" in shown


def test_a_time_and_a_reference_stand_for_the_type(catalog: Catalog) -> None:
    assert line(catalog, "SearchAudit", "from") == "from?: time - ISO 8601, at most 30 days ago"
    assert line(catalog, "SearchAudit", "userIds") == "userIds?: User.userId[] - not login ids"


def test_the_words_of_the_record_come_before_the_details(catalog: Catalog) -> None:
    shown = line(catalog, "UpdateUserStatus", "status")
    assert shown.startswith("status: string - enabled, disabled, invited; disabled cannot")


def test_rarely_used_fields_are_folded_until_they_are_asked_for(catalog: Catalog) -> None:
    folded = line(catalog, "CreateUser", "hashedPassword")
    assert folded.startswith("hashedPassword?: {bcrypt, django, firebase, ")
    assert folded.endswith("schema: true shows more")
    shown = lines(catalog, "CreateUser", unfolded=True)
    assert "    saltSeparator?: string - usually one byte, base64" in shown
    assert not any("schema: true" in one for one in shown)


def test_what_nobody_knows_comes_last_and_in_short(catalog: Catalog) -> None:
    *_, last = lines(catalog, "AuthorizeSAML")
    assert last.endswith("+1 more: string[] - undocumented; schema: true shows more")
    assert "unsavedSaml.enabled?" in json.dumps(lines(catalog, "AuthorizeSAML", unfolded=True))
