"""An entry in every client's own words, tried as the client would, and put back where it fails."""

from __future__ import annotations

import json
import stat
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from descope_mcp.clients import installation, own_command, places
from descope_mcp.clients.client import Scope, known
from descope_mcp.clients.earlier_entry import is_ours
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.installation import Target
from descope_mcp.clients.places import Machine
from descope_mcp.clients.server_entry import NAME, ServerEntry, read_back
from descope_mcp.clients.shown_arguments import shown_arguments

#: By its name an entry of this server.
STUB = str(Path(__file__).with_name("descope-mcp.py"))
ENTRY = ServerEntry(NAME, sys.executable, ("-S", STUB, "--read-only"))
LINE = [sys.executable, "-S", STUB, "--read-only"]
COMMON = {"command": LINE[0], "args": LINE[1:]}
STDIO = {"type": "stdio", **COMMON}

#: Where each client's file is on Linux, and what has to be in it, by its documentation.
DOCUMENTED: dict[str, tuple[str, dict[str, Any]]] = {
    "claude-code": (".claude.json", {"mcpServers": {NAME: STDIO}}),
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        {"mcpServers": {NAME: COMMON}},
    ),
    "cursor": (".cursor/mcp.json", {"mcpServers": {NAME: COMMON}}),
    "vscode": (".config/Code/User/mcp.json", {"servers": {NAME: STDIO}}),
    "windsurf": (".codeium/windsurf/mcp_config.json", {"mcpServers": {NAME: COMMON}}),
    "zed": (
        ".config/zed/settings.json",
        {"context_servers": {NAME: {"source": "custom", **COMMON}}},
    ),
    "codex": (".codex/config.toml", {"mcp_servers": {NAME: COMMON}}),
    "gemini-cli": (".gemini/settings.json", {"mcpServers": {NAME: COMMON}}),
    "goose": (
        ".config/goose/config.yaml",
        {
            "extensions": {
                NAME: {
                    "enabled": True,
                    "type": "stdio",
                    "name": NAME,
                    "description": known()["goose"].entry["description"],
                    "cmd": LINE[0],
                    "args": LINE[1:],
                    "timeout": 300,
                }
            }
        },
    ),
    "opencode": (
        ".config/opencode/opencode.json",
        {"mcp": {NAME: {"type": "local", "command": LINE, "enabled": True}}},
    ),
}
PROJECTS = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "zed": ".zed/settings.json",
    "codex": ".codex/config.toml",
    "gemini-cli": ".gemini/settings.json",
    "opencode": "opencode.json",
}
ELSEWHERE = {
    "macos": {
        "claude-desktop": "Library/Application Support/Claude/claude_desktop_config.json",
        "vscode": "Library/Application Support/Code/User/mcp.json",
        "zed": ".config/zed/settings.json",
        "goose": ".config/goose/config.yaml",
    },
    "windows": {
        "claude-desktop": "AppData/Roaming/Claude/claude_desktop_config.json",
        "vscode": "AppData/Roaming/Code/User/mcp.json",
        "zed": "AppData/Roaming/Zed/settings.json",
        "goose": "AppData/Roaming/Block/goose/config/config.yaml",
    },
}
READERS = {"json": json.loads, "jsonc": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Nobody's home and an empty project; no client's program is on the path."""
    for name in ("home", "project", "bin"):
        (tmp_path / name).mkdir()
    environment = {"PATH": str(tmp_path / "bin")}
    return Machine(tmp_path / "home", tmp_path / "project", "linux", environment)


def target(name: str, machine: Machine, scope: Scope = "user") -> Target:
    return Target(known()[name], scope, machine)


def program(machine: Machine, name: str, text: str) -> None:
    """Put a script of that name on the machine's path."""
    path = Path(machine.environment["PATH"]) / name
    path.write_text(f"#!{sys.executable} -S\n{text}")
    path.chmod(0o755)


def test_every_client_has_a_place_and_words(machine: Machine) -> None:
    assert list(DOCUMENTED) == list(known())
    for name, client in known().items():
        place, content = DOCUMENTED[name]
        found = target(name, machine)
        assert found.file.path == machine.home / place
        assert READERS[client.format](installation.snippet(found, ENTRY)) == content
        in_file = content[client.servers[0]][NAME]
        assert read_back(client, NAME, in_file) == ENTRY
        for platform, others in ELSEWHERE.items():
            elsewhere = target(name, replace(machine, platform=platform))
            assert elsewhere.file.path == machine.home / others.get(name, place)
        if name in PROJECTS:
            here = target(name, machine, "project")
            assert here.file.path == machine.project / PROJECTS[name]
        else:
            with pytest.raises(ClientError, match="leave out --project"):
                _ = target(name, machine, "project").file


def test_variables_move_places(machine: Machine, tmp_path: Path) -> None:
    moved = {"CODEX_HOME": str(tmp_path / "cx"), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    machine = replace(machine, environment={**machine.environment, **moved})
    assert target("codex", machine).file.path == tmp_path / "cx/config.toml"
    assert target("zed", machine).file.path == tmp_path / "xdg/zed/settings.json"
    with_comments = tmp_path / "xdg/opencode/opencode.jsonc"
    with_comments.parent.mkdir(parents=True)
    with_comments.write_text("{}")
    assert target("opencode", machine).file.path == with_comments


def test_clients_are_found_by_program_or_sign(machine: Machine) -> None:
    def found() -> list[str]:
        return [name for name, client in known().items() if places.is_installed(client, machine)]

    assert found() == []
    program(machine, "code", "")
    (machine.home / ".cursor").mkdir()
    assert found() == ["cursor", "vscode"]


@pytest.mark.parametrize("name", known())
def test_a_file_of_each_format_is_written_tried_and_emptied(machine: Machine, name: str) -> None:
    here = target(name, machine)
    done = installation.installed(here, installation.planned(here, ENTRY))
    assert (done.by, done.copy, len(done.handshake.tools)) == ("written", None, 1)
    assert done.handshake.notes == ("told --read-only ",)
    assert stat.S_IMODE(here.file.path.stat().st_mode) == 0o600
    assert installation.planned(here, ENTRY).is_none
    installation.removed(here, installation.removal(here, NAME))
    assert not installation.has(here, NAME)


def test_mode_link_copy_and_what_people_added_stay(machine: Machine, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    text = (
        '{"mcpServers": {"o": {"command": "x"}, "descope": {"command": "/old/descope-mcp", '
        '"trust": true, "env": {"TOLD": "kept", "DESCOPE_MANAGEMENT_KEY": "Kold"}}}}'
    )
    real.write_text(text)
    real.chmod(0o640)
    here = target("gemini-cli", machine)
    here.file.path.parent.mkdir()
    here.file.path.symlink_to(real)
    done = installation.installed(here, installation.planned(here, ENTRY))
    assert here.file.path.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    # The server was there before: there is no file of before.
    assert done.copy is None
    assert json.loads(real.read_text())["mcpServers"] == {
        "o": {"command": "x"},
        "descope": {"trust": True, **COMMON, "env": {"TOLD": "kept"}},
    }
    assert done.handshake.notes == ("told --read-only kept",)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/nowhere/descope-mcp",), "is not there"),
        ((sys.executable, "-S", "-c", "print('hello')"), "does not answer as an MCP server"),
        (
            (sys.executable, "-S", "-c", "import sys; sys.exit('DESCOPE_X: mend it')"),
            "it says: DESCOPE_X: mend it",
        ),
    ],
)
def test_what_does_not_answer_is_taken_back(
    machine: Machine, command: tuple[str, ...], said: str
) -> None:
    here, text = target("zed", machine), '{\n  // mine\n  "theme": "x"\n}\n'
    bad = ServerEntry(NAME, command[0], command[1:])
    with pytest.raises(ClientError, match=said):
        installation.installed(here, installation.planned(here, bad))
    assert not here.file.path.exists()
    here.file.path.write_text(text)
    with pytest.raises(ClientError, match="is as it was before"):
        installation.installed(here, installation.planned(here, bad))
    assert here.file.path.read_text() == text


def test_what_a_client_writes_meanwhile_is_kept(machine: Machine) -> None:
    here = target("cursor", machine)
    change = installation.planned(here, ENTRY)
    here.file.path.parent.mkdir()
    here.file.path.write_text('{"other": 1}')
    with pytest.raises(ClientError, match="changed by something else meanwhile"):
        installation.installed(here, change)
    # The server itself stands for a client that writes while the entry is tried.
    writes = f"open({str(here.file.path)!r}, 'a').write(chr(10))"
    bad = ServerEntry(NAME, sys.executable, ("-S", "-c", writes))
    with pytest.raises(ClientError, match="does not answer"):
        installation.installed(here, installation.planned(here, bad))
    assert json.loads(here.file.path.read_text()) == {"other": 1, "mcpServers": {}}


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("claude-desktop", "{\n  // mine\n}\n", "line 2, column 3: a comment"),
        ("zed", '{\n  "a": 1\n  "b": 2\n}\n', "line 3, column 3: a comma"),
        ("codex", "a = \n", "line 1, column 5"),
        ("goose", "a: [\n", "line 2, column 1"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(
    machine: Machine, name: str, text: str, place: str
) -> None:
    here = target(name, machine)
    here.file.path.parent.mkdir(parents=True, exist_ok=True)
    here.file.path.write_text(text)
    for act in (installation.planned, installation.removal):
        with pytest.raises(ClientError, match=place) as refused:
            act(here, ENTRY if act is installation.planned else NAME)  # type: ignore[arg-type]
        assert "correct the file" in str(refused.value)
    assert here.file.path.read_text() == text


@pytest.mark.parametrize("name", ["claude-desktop", "zed", "goose"])
def test_what_is_nested_too_deeply_is_refused(machine: Machine, name: str) -> None:
    here, deep = target(name, machine), "[" * 1_000 + "]" * 1_000
    here.file.path.parent.mkdir(parents=True)
    here.file.path.write_text(f"a: {deep}" if name == "goose" else f'{{"a": {deep}}}')
    with pytest.raises(ClientError, match=r"nested too deeply.* by hand"):
        installation.planned(here, ENTRY)


@pytest.mark.parametrize(
    ("before", "place", "more"),
    [
        ('{"mcp": {"servers": {"o": {"type": "local"}}}}', ("mcp", "servers"), {}),
        ('{"mcp": {"servers": {}}}', ("mcp", "servers"), {}),
        # A server of this name, in the form of before.
        ('{"mcp": {"servers": {"type": "local"}}}', ("mcp",), {"enabled": True}),
    ],
)
def test_a_file_goes_on_in_the_form_that_it_has(
    machine: Machine, before: str, place: tuple[str, ...], more: dict[str, Any]
) -> None:
    here = target("opencode", machine)
    here.file.path.parent.mkdir(parents=True)
    here.file.path.write_text(before)
    change = installation.planned(here, ENTRY)
    installation.installed(here, change)
    found = json.loads(here.file.path.read_text())
    for name in place:
        found = found[name]
    assert found[NAME] == {"type": "local", "command": [ENTRY.command, *ENTRY.args], **more}
    installation.removed(here, installation.removal(here, NAME))
    assert json.loads(here.file.path.read_text()) == json.loads(before)


def test_an_entry_split_up_over_the_file_is_refused(machine: Machine) -> None:
    here = target("codex", machine)
    here.file.path.parent.mkdir(parents=True)
    here.file.path.write_text(
        '[mcp_servers.descope]\ncommand = "descope-mcp"\n[mcp_servers.o]\ncommand = "x"\n'
        '[mcp_servers.descope.env]\nK = "1"\n# mine\n'
    )
    with pytest.raises(ClientError, match=r"cannot be edited safely.* Do it by hand"):
        installation.removal(here, NAME)
    with pytest.raises(ClientError, match=r"cannot be edited safely.* Do it by hand"):
        installation.planned(here, ENTRY)


#: Files of people, with something secret in every place but the server's own entry.
SECRETS = {
    "cursor": '{"primaryApiKey": "S-1", "mcpServers": {"o": {"url": "https://h/?key=S-2"}, '
    '"descope": {"command": "descope-mcp", "env": {"K": "S-3", "E": "S-\\u00e9"}}}}',
    "codex": "k = 'S-1'\n[mcp_servers.descope]\ncommand = 'descope-mcp'\n"
    "args = ['serve', '--key', 'S-3']\nenv = {K = 'S-2'}\n",
    "goose": "K: S-1 # note\nextensions:\n  descope:\n    cmd: descope-mcp\n    envs:\n"
    "      K: S-2 # note\n      L: 'S-3'\n    headers: {pin: S-4}\nL: 'S-5'\n",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_difference_shows_no_secret(machine: Machine, name: str) -> None:
    here = target(name, machine)
    here.file.path.parent.mkdir(parents=True)
    here.file.path.write_text(SECRETS[name])
    entry = replace(ENTRY, env={"DESCOPE_MANAGEMENT_KEY": "S-mine", "K": "S-other"})
    changed = installation.planned(here, entry).difference
    gone = installation.removal(here, NAME).difference
    assert STUB in changed
    assert "*** (another)" in changed
    assert "descope-mcp" in gone
    assert not any("S-" in shown for shown in (changed.replace("-S", ""), gone))
    assert "S-mine" not in repr(entry)


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ("serve --read-only --toolsets users --policy /p",) * 2,
        ("-m descope_mcp serve",) * 2,
        ("--index-url https://me:S-1@h/simple descope-mcp", "--index-url *** descope-mcp"),
        ("--from https://me:S-1@h/x?sig=S-2 descope-mcp", "--from https://***@h/x?*** descope-mcp"),
        ("run -e DESCOPE_ACCESS_KEY=S-1 --token=S-2", "run -e *** --token=***"),
        ("DESCOPE_ACCESS_KEY=S-1 descope-mcp", "DESCOPE_ACCESS_KEY=*** descope-mcp"),
        ("serve --key S-3 https://h/?key=S-1", "serve --key *** https://h/?***"),
    ],
)
def test_arguments_are_shown_without_what_people_wrote_into_them(args: str, shown: str) -> None:
    assert " ".join(shown_arguments(args.split())) == shown


STRANGERS: list[dict[str, Any]] = [
    {"command": "npx", "args": ["@somebody/descope-docs"], "env": {"TOKEN": "T"}},
    {"command": "npx", "args": ["descope-mcp"]},
    {"command": "uvx", "args": ["descope-mcp-else", "serve"]},
    {"command": "uvx", "args": ["other", "serve", "descope-mcp"]},
    {"url": "https://mcp.descope.com", "headers": {"Authorization": "Bearer T"}},
]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_an_entry_of_another_server_is_not_touched(
    machine: Machine, stranger: dict[str, Any]
) -> None:
    here, text = target("cursor", machine), json.dumps({"mcpServers": {NAME: stranger}})
    here.file.path.parent.mkdir()
    here.file.path.write_text(text)
    assert not installation.has(here, NAME)
    for act in (
        lambda: installation.planned(here, ENTRY),
        lambda: installation.removal(here, NAME),
        lambda: installation.tried(here, NAME),
    ):
        with pytest.raises(ClientError, match=r"not of this server.* Rename or remove it"):
            act()
    assert here.file.path.read_text() == text


@pytest.mark.parametrize(
    "line",
    [
        ["/home/a/.local/bin/descope-mcp", "serve"],
        ["C:\\Tools\\descope-mcp.EXE"],
        ["/usr/bin/python3.13", "-m", "descope_mcp", "serve"],
        ["/usr/bin/uvx", "--from", "descope-mcp==0.1.0", "descope-mcp", "serve"],
        ["uvx", "descope-mcp@latest"],
        ["pipx", "run", "--spec", "file:///x", "descope-mcp", "serve", "--sandbox"],
    ],
)
def test_ways_to_start_this_server_are_known(line: list[str]) -> None:
    assert is_ours(ServerEntry(NAME, line[0], tuple(line[1:])))


def test_what_guards_the_server_stays(machine: Machine) -> None:
    here, found = target("opencode", machine), ServerEntry(NAME, "/bin/descope-mcp")

    def after(*args: str) -> tuple[str, ...]:
        entry = replace(found, args=("serve", *args))
        change = installation.planned(here, entry)
        here.file.path.write_bytes(change.after)
        return change.entry.args[1:]

    here.file.path.parent.mkdir(parents=True)
    first = ("--read-only", "--policy", "/etc/p.toml", "--toolsets=users", "--sandbox")
    assert after(*first) == first
    guards = ("--read-only", "--policy", "/etc/p.toml")
    assert after("--toolsets", "a") == ("--toolsets", "a", *guards)
    # Where it works is what the last call says.
    assert after("--profile", "p") == ("--profile", "p", "--toolsets", "a", *guards)
    assert after() == ("--toolsets", "a", *guards)
    assert after() == ("--toolsets", "a", *guards)


def test_a_copy_is_private_the_first_and_gone_at_the_end(machine: Machine) -> None:
    here, text = target("cursor", machine), '{"mcpServers": {"o": {"command": "x"}}}'
    here.file.path.parent.mkdir()
    here.file.path.write_text(text)
    here.file.path.chmod(0o644)
    keyed = replace(ENTRY, env={"DESCOPE_MANAGEMENT_KEY": "Kmine"})
    for entry in (keyed, ENTRY, keyed, keyed):
        copy = installation.installed(here, installation.planned(here, entry)).copy
        assert copy is not None
        assert copy.read_text() == text
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    installation.removed(here, installation.removal(here, NAME))
    assert [path.name for path in here.file.path.parent.iterdir()] == ["mcp.json"]
    assert here.file.path.read_text() == text
    # One that does not answer leaves none, either.
    bad = ServerEntry(NAME, "/nowhere/descope-mcp")
    with pytest.raises(ClientError, match="is as it was before"):
        installation.installed(here, installation.planned(here, bad))
    assert [path.name for path in here.file.path.parent.iterdir()] == ["mcp.json"]


#: What the clients' own commands do, each in a line; the real ones are tried by test_programs.py.
ADDS = """
import json, os, sys
place = {place!r}
open({log!r}, "a").write(json.dumps(sys.argv[1:]) + chr(10))
found = json.load(open(place)) if os.path.exists(place) else {{}}
servers = found.setdefault("mcpServers", {{}})
if sys.argv[2] == "remove":
    del servers[sys.argv[-1]]
elif sys.argv[5] in servers:
    sys.exit("exists")
else:
    servers[sys.argv[5]] = json.loads(sys.argv[6])
json.dump(found, open(place, "w"))
"""


def test_a_clients_own_command_is_used(machine: Machine, tmp_path: Path) -> None:
    here, log = target("claude-code", machine), tmp_path / "log"
    program(machine, "claude", ADDS.format(place=str(here.file.path), log=str(log)))
    done = installation.installed(here, installation.planned(here, ENTRY))
    assert done.by == "claude mcp add-json"
    other = replace(ENTRY, args=("-S", STUB))
    assert installation.installed(here, installation.planned(here, other)).by == done.by
    assert json.loads(here.file.path.read_text())["mcpServers"][NAME]["args"] == ["-S", STUB]
    # A key is no argument that other accounts could see.
    keyed = replace(ENTRY, env={"DESCOPE_MANAGEMENT_KEY": "Kmine"})
    assert installation.installed(here, installation.planned(here, keyed)).by == "written"
    assert installation.removed(here, installation.removal(here, NAME)) == "claude mcp remove"
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [call[:2] for call in calls] == [
        ["mcp", "add-json"],
        ["mcp", "remove"],
        ["mcp", "add-json"],
        ["mcp", "remove"],
    ]
    assert "Kmine" not in log.read_text()


@pytest.mark.parametrize("install", [True, False])
def test_an_interrupted_command_is_taken_back(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: bool
) -> None:
    here, log = target("claude-code", machine), tmp_path / "log"
    program(machine, "claude", ADDS.format(place=str(here.file.path), log=str(log)))
    installation.installed(here, installation.planned(here, ENTRY))
    text, ran = here.file.path.read_text(), own_command.ran

    def interrupted(*args: Any) -> bool:
        ran(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(own_command, "ran", interrupted)
    other = installation.planned(here, replace(ENTRY, args=(STUB,)))
    gone = installation.removal(here, NAME)
    with pytest.raises(KeyboardInterrupt):
        _ = installation.installed(here, other) if install else installation.removed(here, gone)
    assert '"remove"' in log.read_text()
    assert here.file.path.read_text() == text


def test_a_command_that_drops_comments_is_made_up_for(machine: Machine) -> None:
    here, text = target("codex", machine), '# mine\n[mcp_servers.o] # keep\ncommand = "x"\n'
    here.file.path.parent.mkdir()
    here.file.path.write_text(text)
    ours = installation.snippet(here, ENTRY)
    other = '[mcp_servers.o]\ncommand = "x"\n'
    program(
        machine,
        "codex",
        f"import sys\nadds = sys.argv[2] == 'add'\n"
        f"open({str(here.file.path)!r}, 'w').write({other!r} + ({ours!r} if adds else ''))",
    )
    assert installation.installed(here, installation.planned(here, ENTRY)).by == "written"
    assert "# mine\n[mcp_servers.o] # keep\n" in here.file.path.read_text()
    assert installation.removed(here, installation.removal(here, NAME)) == "written"
    assert here.file.path.read_text().rstrip() == text.rstrip()


def test_a_command_that_does_nothing_is_made_up_for(machine: Machine) -> None:
    program(machine, "codex", "import sys; sys.exit(0)")
    here = target("codex", machine)
    assert installation.installed(here, installation.planned(here, ENTRY)).by == "written"
    assert installation.removed(here, installation.removal(here, NAME)) == "written"
    assert not installation.has(here, NAME)
