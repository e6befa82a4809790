"""The voice of the program: what CONTRIBUTING.md says of messages, as far as a machine can tell."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from descope_mcp.cli.display import output

CODE = Path(__file__).parents[1] / "descope_mcp"
#: What speaks in Descope's own words, or to whoever edits the records.
OTHERS = ("catalog/build", "sandbox", "catalog/wording", "policies")
#: What is made of a message and a remedy: sentences.
SENTENCES = {
    "ApiError",
    "Ambiguous",
    "Failed",
    "MissingCredential",
    "NoMessage",
    "NotGiven",
    "NotSendable",
    "OutcomeUnknown",
    "RateLimited",
    "PreviewFailed",
    "Refused",
    "TargetMissing",
    "TooMuchToRead",
    "Unreachable",
    "UnknownSurface",
    "WrongFields",
    "refusal",
}
NAMED = {"message", "remedy"}
#: Words of ours that others have for it, and words that blame or plead.
NEVER = {
    "anew": "again",
    "mend": "correct",
    "mended": "corrected",
    "decline": "deny",
    "declined": "denied",
    "blank": "space",
    "garbled": "cannot be read",
    "please": "nothing: say what to do",
    "sorry": "nothing",
    "oops": "nothing",
    "illegal": "not valid",
    "don't": "do not",
    "can't": "cannot",
}
#: Words of the protocol's own (JSON-RPC 2.0, 5.1), and what reads the words of others.
PROTOCOL, READS = {"Parse error"}, "catalog/search/"


class Text(NamedTuple):
    """A text in the code; what is filled in stands as {}. ``kind`` is what it is given to."""

    place: str
    kind: str
    text: str


def _spelled(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The texts that a value is one of, or is made of."""
    match node:
        case ast.Dict():
            inside: list[ast.AST] = list(node.values)
        case ast.Tuple() | ast.List():
            inside = list(node.elts)
        case ast.IfExp():
            inside = [node.body, node.orelse]
        case _:
            inside = []
            yield node
    for one in inside:
        yield from _parts(one)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _given(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Texts that a node gives to something, with the name of what takes them."""
    if isinstance(node, ast.Call):
        for value in node.args:
            yield _name(node), value
        for word in node.keywords:
            yield word.arg if word.arg in (*NAMED, "help") else _name(node), word.value
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield node.targets[0].id, node.value
    elif isinstance(node, ast.FunctionDef):
        commands = {
            part.attr
            for one in node.decorator_list
            for part in ast.walk(one)
            if isinstance(part, ast.Attribute)
        }
        if commands & {"command", "group"} and (doc := ast.get_docstring(node)):
            yield "help", ast.Constant(doc)


def _texts() -> Iterator[Text]:
    for path in sorted(CODE.rglob("*.py")):
        where = path.relative_to(CODE).as_posix()
        if where.startswith(OTHERS):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        raised = {id(node.exc): True for node in ast.walk(tree) if isinstance(node, ast.Raise)}
        for node in ast.walk(tree):
            for kind, value in _given(node):
                kind = f"raise {kind}" if id(node) in raised and kind not in SENTENCES else kind
                for part in _parts(value):
                    text = _spelled(part)
                    if text is not None and " " in text.strip():
                        yield Text(f"{where}:{getattr(part, 'lineno', 1)}", kind, text)


TEXTS = list(_texts())


def _faulty(texts: Iterator[Text]) -> list[str]:
    return [f"{one.place} ({one.kind}): {one.text}" for one in texts]


def test_the_texts_are_found() -> None:
    kinds = {one.kind for one in TEXTS}
    assert kinds >= {*SENTENCES - {"refusal"}, "message", "remedy", "help", "raise SettingsError"}
    assert len(TEXTS) > 1500


def test_a_message_and_a_remedy_are_sentences() -> None:
    whole = re.compile(r"(?:[A-Z{`]|[a-z]+: |jsonrpc |params ).*(?:[.:?] ?|\{\})", re.DOTALL)
    said = (one for one in TEXTS if one.kind in SENTENCES and one.text not in PROTOCOL)
    assert not _faulty(one for one in said if not whole.fullmatch(one.text))


def test_help_ends_with_a_full_stop() -> None:
    helps = (one for one in TEXTS if one.kind == "help")
    assert not _faulty(one for one in helps if not re.search(r"[.?]$|config\.fish$", one.text))


def test_what_is_raised_is_a_clause_or_sentences() -> None:
    raised = [one for one in TEXTS if one.kind.startswith("raise ")]
    alone = (one for one in raised if one.text.endswith(".") and ". " not in one.text[:-1])
    assert not _faulty(alone)


def test_the_terms_are_those_that_are_agreed_on() -> None:
    words = re.compile(rf"\b({'|'.join(NEVER)})\b", re.IGNORECASE)
    spoken = (one for one in TEXTS if not one.place.startswith(READS))
    assert not _faulty(one for one in spoken if words.search(one.text))


def test_nobody_is_shouted_at() -> None:
    assert not _faulty(one for one in TEXTS if re.search(r"[a-z]!(?: |$)", one.text))


def test_commands_stand_in_backquotes() -> None:
    bare = re.compile(r"(?<![`\w/-])descope-mcp [a-z]+")
    kinds = {*SENTENCES, *NAMED}
    said = (one for one in TEXTS if one.kind in kinds or one.kind.startswith("raise "))
    quoted = ((one, re.sub(r"`[^`]*`", "", one.text)) for one in said)
    assert not _faulty(one for one, rest in quoted if bare.search(rest))


def test_the_pages_speak_alike_in_both_languages() -> None:
    texts = tomllib.loads((CODE / "console" / "texts.toml").read_text(encoding="utf-8"))
    ends = {name: text[-1:] in ".:?" for name, text in texts["en"].items()}
    assert ends == {name: text[-1:] in ".:?" for name, text in texts["de"].items()}
    words = re.compile(r"\b(please|bitte|sorry|decline[ds]?|mend)\b|!", re.IGNORECASE)
    assert not [text for one in texts.values() for text in one.values() if words.search(text)]


@pytest.mark.parametrize(
    ("clause", "sentence"),
    [
        ("there is no terminal", "There is no terminal."),
        ("DESCOPE_MCP_WAIT: must be a number", "DESCOPE_MCP_WAIT: must be a number."),
        ("policy.toml:3: there is no key x; did you mean y?",) * 2,
        ("url: must be https\nkey: name one", "url: must be https.\nkey: name one."),
        ("`vault` printed nothing", "`vault` printed nothing."),
        ("Descope did not accept it. (E011005)",) * 2,
        ("it is not: one of\n  a line of another program",) * 1
        + ("It is not: one of.\n  a line of another program",),
        ("", ""),
    ],
)
def test_a_clause_becomes_a_sentence(clause: str, sentence: str) -> None:
    assert output.sentence(clause) == sentence
