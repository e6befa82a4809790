"""Which operation a name means that is not written exactly so."""

from __future__ import annotations

import difflib

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation

#: How alike a name must be, and by how much more than the next.
_ALIKE, _AHEAD = 0.85, 0.03


def resolve(name: str, catalog: Catalog) -> Operation | None:
    """The operation meant by `name`: its name, an old name, ``METHOD path``, or a misspelt name.

    None if there is none or it could be more than one. For explanations only: what is called must
    be named exactly.
    """
    exact = catalog.find(name)
    if exact is not None:
        return exact
    lowered = {known.lower(): known for known in (*catalog, *catalog.reports)}
    plain = name.lower().replace("_", "").replace("-", "").replace(" ", "")
    if plain in lowered:
        return catalog[lowered[plain]]
    if "/" in name:
        return _by_path(name, catalog)
    several = [lowered[one] for one in _several(plain) if one in lowered]
    if several:
        return catalog[several[0]]
    near = difflib.get_close_matches(plain, lowered, n=2, cutoff=_ALIKE)
    shares = [difflib.SequenceMatcher(None, plain, one).ratio() for one in near]
    if near and (len(near) == 1 or shares[0] - shares[1] >= _AHEAD):
        return catalog[lowered[near[0]]]
    return None


def _several(plain: str) -> list[str]:
    """Other ways to write that an operation is on several objects."""
    bare = (
        plain.removeprefix("batch").removeprefix("bulk").removesuffix("batch").removesuffix("bulk")
    )
    if bare == plain and not plain.endswith("s"):
        return []
    one = bare.removesuffix("s")
    return [f"{one}s", f"{one}batch", f"batch{one}s"]


def _by_path(text: str, catalog: Catalog) -> Operation | None:
    """The operation at ``METHOD path``, or at a path that only one method has."""
    method, _, path = text.strip().rpartition(" ")
    found = [
        one
        for one in catalog.values()
        if one.path.lower() == path.lower() and method.upper() in ("", one.method)
    ]
    return found[0] if len(found) == 1 else None
