"""The remote conversation, on this machine: an agent reaches the server over HTTP, and signs in.

The agent has no key and no shell beside the server. It finds out by the server's own answers where
to sign in, reads, is asked to sign in for more when it wants to delete, and the person who is
asked agrees; the journal says who it was, and the deletion is taken back. The parts of the
person and of the authorization server are played here; Descope is the sandbox.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from anyio.streams.buffered import BufferedByteReceiveStream
from demo import Agent, Person, say
from demo_issuer import PERSON, Issuer, issuing
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

_COMMAND = [sys.executable, "-m", "descope_mcp"]
#: Nobody listens there: the person is played here, and sees where they are sent.
_CALLBACK = "http://127.0.0.1:9/callback"


class Kept:
    """What a client keeps of its registration and tokens."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Those of the last sign-in."""
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep new ones."""
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """How the client is registered."""
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a registration."""
        self._client = client_info


class Browser:
    """Where the person signs in and agrees."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self._came = ""

    async def visit(self, address: str) -> None:
        """Open the page that the agent's client shows; the person agrees."""
        asked = dict(parse_qsl(urlsplit(address).query))
        self.scopes.append(asked["scope"])
        say("client", f"opens {address.partition('?')[0]} in the browser")
        say("person", f"signs in as {PERSON} and agrees to {asked['scope']}")
        async with httpx2.AsyncClient() as http:
            self._came = (await http.get(address)).headers["location"]

    async def code(self) -> AuthorizationCodeResult:
        """What the browser brought back."""
        found = dict(parse_qsl(urlsplit(self._came).query))
        return AuthorizationCodeResult(**found)


async def conversation(agent: Agent, browser: Browser, env: Mapping[str, str]) -> bool:
    """Read, delete with a person's word, look at the journal, take it back."""
    listed = (await agent.client.list_tools()).tools
    say("server", f"offers {len(listed)} tools: {', '.join(tool.name for tool in listed)}")
    users = await agent.run("read", "SearchUsers", limit=1)
    login = users["users"][0]["loginIds"][0]
    load = {"operation": "LoadUser", "arguments": {"loginId": login}}
    before = await agent.call("descope_read", **load, fields="user.name")
    delete = {"operation": "DeleteUser", "arguments": {"loginId": login}}
    done = await agent.call("descope_destructive", **delete)
    gone = await agent.call("descope_read", **load)
    print("\n--- The journal, newest first\n")
    listing = await _journal("list", env=env)
    print(listing + await _journal("verify", env=env))
    undone = await agent.call("descope_undo", call=(done.structured_content or {})["callId"])
    after = await agent.call("descope_read", **load, fields="user.name")
    print()
    name = (before.structured_content or {})["answer"]
    whole = True
    for what, went in (
        ("the first sign-in was for reading alone", browser.scopes[:1] == ["descope:read"]),
        ("the deletion took a second one", "descope:destructive" in browser.scopes[-1]),
        ("the user was gone", bool(gone.is_error)),
        ("the journal names who it was", f"demo:{PERSON}" in listing),
        ("the user is back", not undone.is_error),
        ("with the same name", (after.structured_content or {})["answer"] == name),
    ):
        say("", f"{what}: {'yes' if went else 'NO'}")
        whole = whole and went
    return whole


async def main() -> int:
    """Run the demo; the exit code is 0 if it went as it should."""
    with tempfile.TemporaryDirectory() as directory:
        env = {
            **os.environ,
            "DESCOPE_MCP_STATE": f"{directory}/state",
            "DESCOPE_MCP_KEY_FILE": f"{directory}/config/key",
        }
        person, browser = Person(refusals=0), Browser()
        print("\n--- Over HTTP\n")
        async with issuing(_free_port()) as issuer, _serving(issuer, Path(directory), env) as url:
            say("server", f"is reached at {url}, and lets nobody in without a token")
            metadata = OAuthClientMetadata(client_name="demo", redirect_uris=[AnyUrl(_CALLBACK)])
            signing_in = OAuthClientProvider(url, metadata, Kept(), browser.visit, browser.code)
            async with httpx2.AsyncClient(auth=signing_in, timeout=60) as http:
                transport = streamable_http_client(url, http_client=http)
                async with Client(transport, elicitation_callback=person.answer) as client:
                    went_well = await conversation(Agent(client), browser, env)
    print("\nSigned in. Asked. Approved: done. Undone: back." if went_well else "\nIT WENT WRONG")
    return 0 if went_well else 1


@asynccontextmanager
async def _serving(issuer: Issuer, folder: Path, env: Mapping[str, str]) -> AsyncIterator[str]:
    """The server as a process, and its address."""
    port, auth = _free_port(), folder / "auth.toml"
    auth.write_text(f'url = "http://127.0.0.1:{port}"\n\n[issuer.demo]\nurl = "{issuer.url}"\n')
    options = ["--http", f"127.0.0.1:{port}", "--auth", str(auth), "--sandbox"]
    command = [*_COMMAND, "serve", *options]
    async with await anyio.open_process(command, env=env) as process:
        assert process.stderr is not None
        lines = BufferedByteReceiveStream(process.stderr)
        found = None
        while found is None:
            line = (await lines.receive_until(b"\n", 100_000)).decode()
            found = re.search(r"serving (http\S+)", line)
        try:
            yield found[1]
        finally:
            process.terminate()


async def _journal(*arguments: str, env: Mapping[str, str]) -> str:
    done = await anyio.run_process([*_COMMAND, "journal", *arguments], env=env)
    return done.stdout.decode()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(anyio.run(main))
