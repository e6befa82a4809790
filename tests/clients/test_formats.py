"""An entry goes into a file of every format and out again, and nothing else in it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.clients.errors import MalformedConfiguration
from descope_mcp.clients.formats import json_document, toml_document, yaml_document

ENTRY = {"command": "/a b/x", "args": ["serve"]}
PATH = ("servers", "descope")

#: A file, and what it has to hold with the entry; taken out, it is again what it was.
JSON = {
    "another server, comments, no comma": (
        '{\n  // all of mine\n  "a": 1, // one\n  "servers": {\n'
        '    "o": {"command": "x"} // last\n    // tail\n  }\n}\n',
        '{\n  // all of mine\n  "a": 1, // one\n  "servers": {\n'
        '    "o": {"command": "x"}, // last\n    "descope": {\n      "command": "/a b/x",\n'
        '      "args": [\n        "serve"\n      ]\n    }\n    // tail\n  }\n}\n',
    ),
    "tabs and trailing commas": (
        '{\n\t"servers": {\n\t\t"o": {},\n\t},\n}',
        '{\n\t"servers": {\n\t\t"o": {},\n\t\t"descope": {\n\t\t\t"command": "/a b/x",\n'
        '\t\t\t"args": [\n\t\t\t\t"serve"\n\t\t\t]\n\t\t},\n\t},\n}',
    ),
    "one line": (
        '{"servers": {"o": {"command": "x"}}}',
        '{"servers": {"o": {"command": "x"}, "descope": {"command": "/a b/x", "args": ["serve"]}}}',
    ),
    "the line ends of Windows": (
        '{\r\n    "servers": {}\r\n}\r\n',
        '{\r\n    "servers": {\r\n        "descope": {\r\n            "command": "/a b/x",\r\n'
        '            "args": [\r\n                "serve"\r\n            ]\r\n        }\r\n'
        "    }\r\n}\r\n",
    ),
}
TOML = {
    "between other tables": (
        '# mine\nmodel = "x" # keep\n\n[servers.o]\ncommand = "y"\n\n[z]\na = 1\n',
        '# mine\nmodel = "x" # keep\n\n[servers.o]\ncommand = "y"\n\n[servers.descope]\n'
        'command = "/a b/x"\nargs = ["serve"]\n\n[z]\na = 1\n',
    ),
    "nothing": ("", '[servers.descope]\ncommand = "/a b/x"\nargs = ["serve"]\n'),
}
YAML = {
    "comments, quotes and another server": (
        "# mine\nMODEL: x # keep\nservers:\n  # dev\n  o:\n    args:\n    - a\n"
        '    - "b"\n  # tail\nlast: "q"\n',
        "# mine\nMODEL: x # keep\nservers:\n  # dev\n  o:\n    args:\n    - a\n"
        '    - "b"\n  # tail\n  descope:\n    command: /a b/x\n    args:\n    - serve\n'
        'last: "q"\n',
    ),
    "four blanks, dashes set in": (
        "servers:\n    o:\n        args:\n          - a\n",
        "servers:\n    o:\n        args:\n          - a\n    descope:\n        command: /a b/x\n"
        "        args:\n          - serve\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), JSON.values(), ids=JSON)
def test_json_in_and_out(before: str, after: str) -> None:
    changed = json_document.with_entry(before, PATH, ENTRY, comments=True)
    assert changed == after
    assert json_document.without_entry(changed, PATH, comments=True) == before


def test_a_comment_before_the_last_member_swallows_nothing() -> None:
    text = '{"servers": {"o": {}, // note\n  "descope": {"command": "x"}}}\n'
    without = json_document.without_entry(text, PATH, comments=True)
    assert json_document.read(without, comments=True) == {"servers": {"o": {}}}
    assert "// note\n" in without


@pytest.mark.parametrize(("before", "after"), TOML.values(), ids=TOML)
def test_toml_in_and_out(before: str, after: str) -> None:
    changed = toml_document.with_entry(before, PATH, ENTRY)
    assert changed == after
    assert toml_document.without_entry(changed, PATH) == before


@pytest.mark.parametrize(("before", "after"), YAML.values(), ids=YAML)
def test_yaml_in_and_out(before: str, after: str) -> None:
    changed = yaml_document.with_entry(before, PATH, ENTRY)
    assert changed == after
    assert yaml_document.without_entry(changed, PATH) == before


#: Comments that people wrote about what comes next, which the parsers count to what is before.
BEHIND = {
    toml_document: {
        "[servers.descope]\ncommand = 'c'\n\n# Work\n\n# VPN\n[servers.o]\na = 1\n": (
            "# Work\n\n# VPN\n\n[servers.o]\na = 1\n"
        ),
        "a = 1\n[servers.descope]\ncommand = 'c'\n[servers.descope.env]\nK = '1'\n# end\n": (
            "a = 1\n# end\n"
        ),
    },
    yaml_document: {
        "servers: # mine\n  descope:\n    cmd: x\n\n# the model\nMODEL: a\n": (
            "servers: {} # mine\n\n# the model\nMODEL: a\n"
        ),
        "servers:\n  o:\n    cmd: x\n  descope:\n    cmd: x\n    # own\n  # two\n  p: {}\n": (
            "servers:\n  o:\n    cmd: x\n  # two\n  p: {}\n"
        ),
    },
}


@pytest.mark.parametrize("document", BEHIND)
def test_comments_behind_the_entry_stay(document: Any) -> None:
    for text, without in BEHIND[document].items():
        assert document.without_entry(text, PATH) == without
        replaced = document.with_entry(text, PATH, ENTRY)
        assert document.read(replaced)["servers"]["descope"] == ENTRY
        assert document.without_entry(replaced, PATH) == without


def test_an_entry_does_not_go_behind_the_comment_of_what_is_next() -> None:
    text = "servers:\n  o:\n    cmd: x\n\n# the model\nMODEL: a\n"
    changed = yaml_document.with_entry(text, PATH, ENTRY)
    assert changed.endswith("    - serve\n\n# the model\nMODEL: a\n")
    assert yaml_document.without_entry(changed, PATH) == text


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
_SERVERS = st.dictionaries(st.text(max_size=4) | st.just("descope"), _PLAIN, max_size=4)


@given(
    st.dictionaries(st.text(max_size=4), _PLAIN, max_size=3),
    _SERVERS,
    st.sampled_from([None, 2, "\t"]),
)
def test_any_json_keeps_all_else(
    around: dict[str, object], servers: dict[str, object], indent: int | str | None
) -> None:
    data = {**around, "servers": servers}
    changed = json_document.with_entry(json.dumps(data, indent=indent), PATH, ENTRY, comments=False)
    assert json.loads(changed) == {**data, "servers": {**servers, "descope": ENTRY}}
    assert list(json.loads(changed)["servers"]) == list({**servers, "descope": 1})
    without = json.loads(json_document.without_entry(changed, PATH, comments=False))
    servers.pop("descope", None)
    assert without == {**data, "servers": servers}


@pytest.mark.parametrize(
    ("text", "comments", "line", "column"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', True, 3, 3),
        ('{\n  "a": 1,\n}', False, 2, 9),
        ("{\n  // mine\n}", False, 2, 3),
        ('{"a": /* no end', True, 1, 7),
        ('{"a": tru}', True, 1, 7),
        ('{"a": "\n"}', True, 1, 7),
        ("{} {}", True, 1, 4),
        ('{"servers": []}', True, 1, 13),
        ("[]", True, 1, 1),
        ('{"a": 1', True, 1, 8),
        ("{a: 1}", True, 1, 2),
    ],
)
def test_malformed_json_names_the_place(text: str, comments: bool, line: int, column: int) -> None:
    with pytest.raises(MalformedConfiguration, match=rf"^line {line}, column {column}: "):
        json_document.with_entry(text, PATH, ENTRY, comments=comments)


def test_malformed_toml_and_yaml_name_the_line() -> None:
    with pytest.raises(MalformedConfiguration, match=r"^line 2, column "):
        toml_document.read('a = 1\nb = "x\n')
    with pytest.raises(MalformedConfiguration, match=r"^line 2, column "):
        yaml_document.read("a: 1\n b: [\n")
    with pytest.raises(MalformedConfiguration, match="servers is not a table"):
        toml_document.with_entry("servers = 1\n", PATH, ENTRY)
    with pytest.raises(MalformedConfiguration, match="servers is not a mapping"):
        yaml_document.with_entry("servers: [1]\n", PATH, ENTRY)
    with pytest.raises(MalformedConfiguration, match="the file is not a mapping"):
        yaml_document.read("- 1\n")
