"""What was sealed in answers: what is kept, and one of it shown once."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.visit import Visit
from descope_mcp.guard import reveal
from descope_mcp.guard.decide import NotDecided
from descope_mcp.store.consent import second_factor
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.sealed import Kept

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many are listed, the newest first.
_MOST_LISTED = 50


def routes(console: Console) -> list[Route]:
    """The pages, for administrators."""
    one = "/secrets/{handle}"
    return [
        Route("/secrets", console.page(_listed, "administer"), methods=["GET"]),
        Route(one, console.page(_one, "administer"), methods=["GET"]),
        Route(f"{one}/reveal", console.page(_revealed, "administer"), methods=["POST"]),
        Route(f"{one}/forget", console.page(_forgotten, "administer"), methods=["POST"]),
    ]


def identity(secret: Kept) -> str:
    """A handle as a part of an address."""
    return secret.handle.strip("[]").removeprefix("sealed:")


async def _listed(visit: Visit) -> Response:
    found = await run_sync(sealed.kept, visit.console.store)
    return await visit.render(
        "secrets.html",
        here="secrets",
        secrets=found[::-1][:_MOST_LISTED],
        more=max(0, len(found) - _MOST_LISTED),
        identity=identity,
        done=visit.request.query_params.get("done", ""),
    )


async def _one(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    """What a secret is, and the question whether to show it."""
    secret = await _found(visit)
    if secret is None:
        return await visit.refused("error.nothing", 404)
    return await visit.render(
        "secret.html",
        status,
        here="secrets",
        still=True,
        secret=secret,
        path=f"secrets/{identity(secret)}",
        code=await run_sync(second_factor.enrolled, visit.console.store),
        problem=problem,
    )


async def _revealed(visit: Visit) -> Response:
    secret = await _found(visit)
    if secret is None:
        return await visit.refused("error.nothing", 404)
    try:
        # Rendered before it is gone: where that fails, the secret stays.
        text = await run_sync(_shown, visit, secret)
    except NotDecided as error:
        return await _page(visit, error.why, 409)
    except LookupError:
        return await visit.refused("error.nothing", 404)
    return text


def _shown(visit: Visit, secret: Kept) -> Response:
    code = visit.form.get("code", "")
    with reveal.revealed(visit.console.store, secret, visit.person.decider, code) as seen:
        return visit.rendered("revealed.html", secret=secret, value=_harmless(seen.value), **_SAME)


_SAME: dict[str, Any] = {"here": "secrets", "still": True}


def _harmless(value: str) -> str:
    """A value as it is, in JSON if there is something in it that nobody would see."""
    return value if value.replace("\n", "").isprintable() else json.dumps(value)


async def _forgotten(visit: Visit) -> Response:
    secret = await _found(visit)
    if secret is None:
        return await visit.refused("error.nothing", 404)
    forgetting = partial(reveal.forget, visit.console.store, secret, visit.person.decider)
    await run_sync(forgetting)
    return visit.go("secrets?done=forgotten")


async def _found(visit: Visit) -> Kept | None:
    handle = visit.request.path_params["handle"]
    return await run_sync(reveal.find, visit.console.store, handle)
