"""Errors of the OAuth endpoints, in OAuth's own form (RFC 6749, section 5.2)."""

from __future__ import annotations

import functools
from collections.abc import Callable

from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply
from descope_mcp.sandbox.engine.state import State


class OAuthError(Exception):
    """A refusal with one of OAuth's codes."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


def speaks_oauth(
    function: Callable[[State, Arguments], Answer],
) -> Callable[[State, Arguments], Answer]:
    """The handler `function`, with its `OAuthError` as an answer that undoes what it wrote."""

    @functools.wraps(function)
    def answering(state: State, arguments: Arguments) -> Answer:
        try:
            with state.transaction():
                return function(state, arguments)
        except OAuthError as error:
            body = {"error": error.code, "error_description": str(error)}
            return Reply(body, error.status)

    return answering
