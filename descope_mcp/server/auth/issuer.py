"""An authorization server whose tokens count here, and what makes one of its tokens ours.

A token is for this server if it says so in its audience (RFC 8707, RFC 9068). Of Descope that has
to be told apart: every token of a project is signed with the same keys, whether it was issued for a
person's session, an application or an MCP server, and tokens that were issued for an MCP server
name that server, the project or a tenant of it as their issuer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

#: The issuer of one MCP server of a Descope project, and within it that of the project.
_AGENTIC = re.compile(r"(?P<base>https?://[^/]+/v1/apps)/agentic/(?P<project>P\w+)/\w+")
_PROJECT = re.compile(r"https?://[^/]+/v1/apps/(?P<project>P\w+)(?:/\w+)?")


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authorization server.

    ``name`` is what callers are called after, ``url`` its identifier (``issuer`` in its metadata).
    ``audience`` is what its tokens name as their audience if it is not the address of this server.
    ``keys`` is where its keys are, "" where its metadata says that. ``claims`` maps names for the
    policy to paths in a token, beside the usual ones.
    """

    name: str
    url: str
    audience: str = ""
    keys: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)

    def fault(self) -> str:
        """Why tokens of this issuer could not be told from others, "" if they can."""
        project = _PROJECT.fullmatch(self.url)
        if project and self.audience == project["project"]:
            return (
                "every token of the project has this audience; name the issuer of your MCP server "
                "(.../v1/apps/agentic/PROJECT/SERVER), or leave audience out"
            )
        return ""

    def audiences(self, iss: str, own: Collection[str]) -> frozenset[str]:
        """What a token that names `iss` as its issuer may name as its audience, none if nothing.

        Args:
            iss: as the token says it.
            own: the addresses that this server has for the request.
        """
        if iss == self.url:
            return frozenset({self.audience} if self.audience else own)
        agentic = _AGENTIC.fullmatch(self.url)
        project = f"{agentic['base']}/{agentic['project']}" if agentic else ""
        # With a tenant behind it where another organisation's sign-in stands behind the token.
        if project and re.fullmatch(rf"{re.escape(project)}(/\w+)?", iss):
            # Anything of the project may be issued so: nothing but our own address makes it ours.
            return frozenset(own)
        return frozenset()

    def issues(self, iss: str) -> bool:
        """Whether tokens of this issuer may name `iss` as their issuer."""
        return bool(self.audiences(iss, {"own"}))

    def alike(self, other: Issuer) -> bool:
        """Whether tokens of both may name the same issuer: two MCP servers of one project."""
        mine, theirs = _AGENTIC.fullmatch(self.url), _AGENTIC.fullmatch(other.url)
        return bool(mine and theirs and mine.groups() == theirs.groups())

    def metadata_urls(self) -> list[str]:
        """Where its metadata may be: OpenID Connect Discovery, and RFC 8414 with a path."""
        found = re.fullmatch(r"(https?://[^/]+)(/.*)?", self.url)
        if found is None:
            return []
        origin, path = found[1], (found[2] or "").rstrip("/")
        return [
            f"{origin}{path}/.well-known/openid-configuration",
            f"{origin}/.well-known/oauth-authorization-server{path}",
        ]
