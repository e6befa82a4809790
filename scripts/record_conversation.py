"""Record the conversation on the documentation's first page, as a picture.

An MCP client talks with a server on the sandbox over stdio. Calls, questions and answers are what
these two sent; the sentences between them are written, and the person is played. What is another
in every run (ids of calls, marks around data) is shown as an ellipsis, so that the same program
draws the same picture. ``--check`` draws it again, and fails if it is not the one that is kept.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "conversation.svg"
_COLUMNS, _LINE, _COLUMN, _MARGIN, _NAMES = 100, 19, 7.85, 18, 76
_COLOURS = {"person": "#8bd5ca", "agent": "#8aadf4", "server": "#eed49f", "asks": "#ed8796"}
#: What no two runs have alike, in the places where answers show it.
_CHANGING = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=answers/)[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d UTC"
)


@dataclass
class Conversation:
    """Turns of a conversation: who speaks, and what."""

    client: Client | None = None
    turns: list[tuple[str, str]] = field(default_factory=list)

    def say(self, who: str, text: str) -> None:
        """Keep one turn."""
        self.turns.append((who, _CHANGING.sub("…", text)))

    async def answer(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The person reads the question and agrees."""
        self.say("asks", params.message)
        self.say("person", "Yes.")
        return types.ElicitResult(action="accept", content={"confirm": True})

    async def call(self, tool: str, lines: int, **arguments: Any) -> dict[str, Any]:
        """One call of a tool; so many lines of its answer are shown.

        Raises:
            RuntimeError: the call failed; the conversation would tell something else.
        """
        assert self.client
        self.say("agent", f"{tool} {json.dumps(arguments)}")
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or not result.structured_content:
            raise RuntimeError(f"{tool}: {result.content}")
        assert isinstance(result.content[0], types.TextContent)
        shown = [line for line in result.content[0].text.splitlines() if "[end " not in line]
        wrapped = [part for line in shown for part in _wrapped(_CHANGING.sub("…", line))]
        more = [] if len(wrapped) <= lines else ["…"]
        self.say("server", "\n".join([*wrapped[:lines], *more]))
        return dict(result.structured_content)


async def conversation() -> Conversation:
    """A question about access, a block that a person agrees to, and taking it back."""
    told = Conversation()
    with tempfile.TemporaryDirectory() as directory:
        env = {name: value for name, value in os.environ.items() if not name.startswith("DESCOPE")}
        env["DESCOPE_MCP_STATE"] = f"{directory}/state"
        env["DESCOPE_MCP_KEY_FILE"] = f"{directory}/config/key"
        command = ["-m", "descope_mcp", "serve", "--sandbox"]
        server = StdioServerParameters(command=sys.executable, args=command, env=env)
        async with Client(stdio_client(server), elicitation_callback=told.answer) as client:
            told.client = client
            told.say("person", "Farid leaves Globex today. What would he leave behind?")
            farid = {"loginId": "farid.haddad@globex.example"}
            await told.call("descope_search", 2, query="what would a person leave behind", limit=1)
            await told.call("descope_read", 7, operation="ReviewDeparture", arguments=farid)
            told.say(
                "agent",
                "He is the last owner and the last administrator of Globex. Shall I block him?",
            )
            told.say("person", "Block him.")
            block = {"operation": "UpdateUserStatus", "arguments": {**farid, "status": "disabled"}}
            blocked = await told.call("descope_destructive", 6, **block)
            told.say("person", "Wait, he stays until Friday. Undo that.")
            await told.call("descope_undo", 6, call=blocked["callId"])
    return told


def drawn(told: Conversation) -> str:
    """The picture of a conversation, in SVG."""
    text: list[str] = []
    row = 0.0
    for who, said in told.turns:
        lines = [part for line in said.splitlines() for part in _wrapped(line)]
        name = "server asks" if who == "asks" else who
        colour = _COLOURS[who]
        text.append(_text(_MARGIN, row, colour, name, bold=True))
        for line in lines:
            shade = colour if who in ("person", "asks") else "#cad3f5"
            text.append(_text(_MARGIN + _NAMES + 24, row, shade, line))
            row += 1
        row += 0.5
    width = round(_MARGIN * 2 + _NAMES + 24 + _COLUMNS * _COLUMN)
    height = round(row * _LINE + _MARGIN * 2)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'role="img" aria-labelledby="title">',
            '<title id="title">A conversation: what somebody leaves behind, a block that a person '
            "agrees to, and taking it back</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#1e2030"/>',
            '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" '
            'font-size="13" style="white-space: pre">',
            *text,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _text(x: float, row: float, colour: str, said: str, *, bold: bool = False) -> str:
    y = _MARGIN + row * _LINE + 13
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}"{weight}>{escape(said)}</text>'


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _COLUMNS, subsequent_indent="  ") or [""]


def main() -> int:
    """Record and draw it, or say that what is kept is stale."""
    picture = drawn(anyio.run(conversation))
    if "--check" in sys.argv:
        if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == picture:
            return 0
        print(f"{PICTURE.name} is stale: run .venv/bin/python scripts/record_conversation.py")
        return 1
    PICTURE.write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
