"""Who makes a call: the credentials of a request, and whether they open the operation."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from descope_mcp.sandbox.engine.errors import NO_PROJECT, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.state import Caller, State
from descope_mcp.sandbox.keys import access_keys, management_keys
from descope_mcp.sandbox.sessions import sessions


def authorized(
    request: Request, schemes: Sequence[str], state: State, *, company: bool = False
) -> Caller:
    """Check ``Bearer <project>[:<user credential>][:<management key>]``.

    An operation without schemes takes anybody. Of several schemes one must be satisfied. With
    `company` a management key must be for the whole company.

    Raises:
        DescopeError: 401 for a wrong or missing credential, E011008 for another project, 403 for
            a management key that is not admitted from there.
    """
    address = request.client.host if request.client else ""
    rid = request.headers.get("x-external-rid", "")
    project, credentials = _credentials(request, schemes, state)
    if schemes and not project:
        raise DescopeError(UNAUTHORIZED, "The Authorization header is missing")
    if schemes and project != state.project_id:
        raise DescopeError(NO_PROJECT, f"Project not found: {project}")
    actors = (_actor(scheme, credentials, state, address, company) for scheme in schemes)
    actor = next((actor for actor in actors if actor is not None), None)
    if schemes and actor is None:
        raise DescopeError(UNAUTHORIZED, "The credential is missing or not valid")
    return Caller(
        actor=actor or "",
        address=address,
        external_rid=rid,
        credential=next(iter(credentials), ""),
        url=str(request.base_url).rstrip("/"),
    )


def _credentials(request: Request, schemes: Sequence[str], state: State) -> tuple[str, list[str]]:
    """The project and the credentials after it.

    A management key may stand alone, as clients for the whole company send it. A browser has its
    tokens in cookies. Operations without schemes are those of OAuth, whose clients know no
    projects: the bearer is the token itself.
    """
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    project, *credentials = value.strip().split(":") if kind.lower() == "bearer" else [""]
    if project and not schemes and project != state.project_id:
        return state.project_id, [value.strip()]
    if (
        "management_key" in schemes
        and not credentials
        and management_keys.opened_by(state, project)
    ):
        return state.project_id, [project]
    name = sessions.SESSION if "session_jwt" in schemes else sessions.REFRESH
    if not credentials and (token := request.cookies.get(name)):
        credentials = [token]
    return project, credentials


def _actor(
    scheme: str, credentials: Sequence[str], state: State, address: str, company: bool
) -> str | None:
    """Whom the credential is of, if it is what `scheme` asks for; nobody is the empty string.

    Raises:
        DescopeError: the credential is right, but may not be used: now, here or any more.
    """
    match scheme, credentials:
        case "project", _:
            return ""
        case "management_key", [*_, key] if management_keys.opened_by(state, key):
            return management_keys.admitted(state, key, address, company=company)
        case "access_key", [cleartext, *_] if opened := access_keys.opened_by(state, cleartext):
            return str(opened["id"])
        case "refresh_jwt", [token, *_]:
            return str(sessions.of_token(state, token, sessions.REFRESH)["userId"])
        case "session_jwt", [token, *_]:
            return str(sessions.of_token(state, token, sessions.SESSION)["userId"])
        case _:
            return None
