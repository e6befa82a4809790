"""The sandbox's own interface, under ``/sandbox``: a path that Descope does not have.

Only programs on this machine can use it: what a web page sends is refused, also where the page
itself is of this machine. For people there is the `inspector`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from descope_mcp.sandbox.engine.errors import FORBIDDEN, INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import OUTBOX
from descope_mcp.sandbox.http.controls import Conditions, Controls
from descope_mcp.sandbox.http.faults import Fault
from descope_mcp.sandbox.http.own_paths import CONTROL
from descope_mcp.sandbox.seed_files.writing import seed_text


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
    """The interface to `controls`."""

    controls: Controls

    def routes(self) -> list[Route]:
        """The paths of the interface."""
        functions: dict[tuple[str, str], Callable[[Request, bytes], Any]] = {
            ("GET", ""): self._overview,
            ("GET", "/outbox"): self._outbox,
            ("DELETE", "/outbox"): self._empty_outbox,
            ("GET", "/requests"): self._requests,
            ("DELETE", "/requests"): self._forget_requests,
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
            Route(CONTROL + path, _endpoint(function), methods=[method])
            for (method, path), function in functions.items()
        ]

    def _overview(self, request: Request, body: bytes) -> Any:
        return self.controls.overview()

    def _outbox(self, request: Request, body: bytes) -> Any:
        return {"messages": self.controls.state.all(OUTBOX, **dict(request.query_params))}

    def _empty_outbox(self, request: Request, body: bytes) -> Any:
        self.controls.empty_outbox()

    def _requests(self, request: Request, body: bytes) -> Any:
        return {"requests": [one.shown() for one in self.controls.requests.kept]}

    def _forget_requests(self, request: Request, body: bytes) -> Any:
        self.controls.requests.forget()

    def _export(self, request: Request, body: bytes) -> Any:
        return self.controls.state.export()

    def _import(self, request: Request, body: bytes) -> Any:
        self.controls.replace(Tables.model_validate_json(body).root)
        return self.controls.overview()

    def _seed(self, request: Request, body: bytes) -> Any:
        secrets = request.query_params.get("secrets") == "true"
        text = seed_text(self.controls.state, secrets=secrets)
        return PlainTextResponse(text, media_type="application/yaml")

    def _reset(self, request: Request, body: bytes) -> Any:
        self.controls.reset(Reset.model_validate_json(body or b"{}").seed)
        return self.controls.overview()

    def _add_fault(self, request: Request, body: bytes) -> Any:
        self.controls.add_fault(Fault.model_validate_json(body))
        return self.controls.overview()

    def _clear_faults(self, request: Request, body: bytes) -> Any:
        self.controls.clear_faults()

    def _set_conditions(self, request: Request, body: bytes) -> Any:
        self.controls.set_conditions(Conditions.model_validate_json(body))
        return self.controls.overview()

    def _advance(self, request: Request, body: bytes) -> Any:
        self.controls.state.advance(Advance.model_validate_json(body).advance)
        return self.controls.overview()


def _endpoint(function: Callable[[Request, bytes], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        if "origin" in request.headers:
            raise DescopeError(FORBIDDEN, "No web page may use this, not even one of this machine")
        try:
            answer = function(request, await request.body())
        except ValidationError as error:
            raise DescopeError(INVALID, first_problem(error)) from None
        if isinstance(answer, Response):
            return answer
        return JSONResponse({} if answer is None else answer)

    return endpoint


def first_problem(error: ValidationError) -> str:
    """What is wrong with what was sent, and where."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where or 'body'}: {problem['msg']}"
