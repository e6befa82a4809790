"""What a token may be used for: its scopes (RFC 6749, section 3.3) and the calls that they cover.

``descope:read``, ``descope:write`` and ``descope:destructive`` are classes of calls, each with
those before it. ``descope:toolset:NAME`` narrows them: a token with such scopes is for those
toolsets alone, one without for all.
"""

from __future__ import annotations

from collections.abc import Collection

from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect

#: The scopes of the classes, from the narrowest to the widest.
CLASSES: dict[Effect, str] = {effect: f"descope:{effect}" for effect in EFFECTS}
#: What the scope of a toolset begins with.
TOOLSET = "descope:toolset:"


def up_to(effect: Effect) -> tuple[str, ...]:
    """The scopes of a class and of those within it."""
    return tuple(CLASSES.values())[: EFFECTS.index(effect) + 1]


def of_toolset(name: str) -> str:
    """The scope of a toolset."""
    return f"{TOOLSET}{name}"


def with_implied(scopes: Collection[str]) -> frozenset[str]:
    """Scopes, and the classes that are within those that they name."""
    widest = max((n for n, one in enumerate(CLASSES.values()) if one in scopes), default=-1)
    return frozenset({*scopes, *list(CLASSES.values())[: widest + 1]})


def is_known(scope: str, toolsets: Collection[str]) -> bool:
    """Whether a scope means something here, where there are these toolsets."""
    named = scope.removeprefix(TOOLSET)
    return scope in CLASSES.values() or (named != scope and named in toolsets)


def lacking(scopes: Collection[str] | None, effect: Effect, toolset: str) -> tuple[str, ...]:
    """The scopes that a call would need besides those that there are.

    Args:
        scopes: of whoever calls, None where no scopes limit it.
        effect: the class of the call.
        toolset: of its operation, "" for what belongs to none.
    """
    if scopes is None:
        return ()
    covering = [CLASSES[one] for one in EFFECTS[EFFECTS.index(effect) :]]
    missing = [] if any(one in scopes for one in covering) else [CLASSES[effect]]
    named = [scope for scope in scopes if scope.startswith(TOOLSET)]
    if named and toolset and of_toolset(toolset) not in named:
        missing.append(of_toolset(toolset))
    return tuple(missing)
