"""The sandbox's own interface, under ``/sandbox``: a path that Descope does not have.

Only programs on this machine can use it: what a web page sends is refused, also where the page
itself is of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from descope_mcp.sandbox.engine.errors import FORBIDDEN, INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import OUTBOX, State
from descope_mcp.sandbox.http.faults import Fault, Faults
from descope_mcp.sandbox.http.rate_limits import RateLimits
from descope_mcp.sandbox.keys import management_keys
from descope_mcp.sandbox.seed_files.writing import seed_text
from descope_mcp.sandbox.sessions.answers import deliver, in_cookies

PREFIX = "/sandbox"


class Conditions(BaseModel):
    """What can be switched; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    rate_limits: bool | None = None
    search_delay: float | None = Field(None, ge=0, le=3600)
    cookies: bool | None = None


class Advance(BaseModel):
    """How far the clock goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    advance: float = Field(ge=0)


class Reset(BaseModel):
    """What to begin anew with: the seed of the start unless another is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: str = ""


class Tables(RootModel[dict[str, list[Record]]]):
    """An exported state."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the interface works on.

    Attributes:
        state: the state that the operations have, too.
        seeds: the organisations to begin with, the one of the start under the empty name as well.
        faults: the faults that calls meet.
        rate_limits: the limits of calls.
    """

    state: State
    seeds: Mapping[str, Callable[[], State]]
    faults: Faults
    rate_limits: RateLimits

    def routes(self) -> list[Route]:
        """The paths of the interface."""
        functions: dict[tuple[str, str], Callable[[Request, bytes], Any]] = {
            ("GET", ""): self._overview,
            ("GET", "/outbox"): self._outbox,
            ("DELETE", "/outbox"): self._empty_outbox,
            ("GET", "/state"): self._export,
            ("PUT", "/state"): self._import,
            ("GET", "/seed"): self._seed,
            ("POST", "/reset"): self._reset,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("PATCH", "/conditions"): self._set_conditions,
            ("POST", "/clock"): self._advance,
        }
        return [
            Route(PREFIX + path, _endpoint(function), methods=[method])
            for (method, path), function in functions.items()
        ]

    def _overview(self, request: Request, body: bytes) -> Any:
        return {
            "projectId": self.state.project["id"],
            "now": self.state.now(),
            "records": {name: len(items) for name, items in self.state.export().items()},
            "faults": [
                {**fault.model_dump(by_alias=True, exclude_defaults=True), "times": left}
                for fault, left in self.faults.set
            ],
            "rateLimits": self.rate_limits.on,
            "searchDelay": self.state.search_delay,
            "cookies": in_cookies(self.state),
        }

    def _outbox(self, request: Request, body: bytes) -> Any:
        wanted = dict(request.query_params)
        return {"messages": self.state.all(OUTBOX, **wanted)}

    def _empty_outbox(self, request: Request, body: bytes) -> Any:
        with self.state.transaction():
            for message in self.state.all(OUTBOX):
                self.state.delete(OUTBOX, message["id"])

    def _export(self, request: Request, body: bytes) -> Any:
        return self.state.export()

    def _import(self, request: Request, body: bytes) -> Any:
        with self.state.transaction():
            self.state.replace(Tables.model_validate_json(body).root)
            # Without the project nothing works: then the import is undone.
            return self._overview(request, body)

    def _seed(self, request: Request, body: bytes) -> Any:
        text = seed_text(self.state, secrets=request.query_params.get("secrets") == "true")
        return PlainTextResponse(text, media_type="application/yaml")

    def _reset(self, request: Request, body: bytes) -> Any:
        asked = Reset.model_validate_json(body or b"{}")
        if asked.seed not in self.seeds:
            known = ", ".join(name for name in self.seeds if name)
            raise DescopeError(INVALID, f"There is no seed {asked.seed}; use one of {known}")
        fresh = self.seeds[asked.seed]()
        # Whoever works with it goes on doing so.
        management_keys.hand_over(fresh, self.state.management_key)
        self.state.replace(fresh.export())
        self.state.random = fresh.random
        self.state.search_delay = 0
        self.state.recent.clear()
        self.rate_limits.on = False
        self.faults.set.clear()
        return self._overview(request, body)

    def _add_fault(self, request: Request, body: bytes) -> Any:
        self.faults.add(Fault.model_validate_json(body))
        return self._overview(request, body)

    def _clear_faults(self, request: Request, body: bytes) -> Any:
        self.faults.set.clear()

    def _set_conditions(self, request: Request, body: bytes) -> Any:
        asked = Conditions.model_validate_json(body)
        if asked.rate_limits is not None:
            self.rate_limits.on = asked.rate_limits
            self.rate_limits.calls.clear()
        if asked.search_delay is not None:
            self.state.search_delay = asked.search_delay
        if asked.cookies is not None:
            deliver(self.state, cookies=asked.cookies)
        return self._overview(request, body)

    def _advance(self, request: Request, body: bytes) -> Any:
        self.state.advance(Advance.model_validate_json(body).advance)
        return self._overview(request, body)


def _endpoint(function: Callable[[Request, bytes], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        if "origin" in request.headers:
            raise DescopeError(FORBIDDEN, "No web page may use this, not even one of this machine")
        try:
            answer = function(request, await request.body())
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise DescopeError(INVALID, f"{where or 'body'}: {problem['msg']}") from None
        if isinstance(answer, Response):
            return answer
        return JSONResponse({} if answer is None else answer)

    return endpoint
