"""Every way to page that the API has, walked to its end."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.answers.list_parts import position, sized

ROWS = [{"id": n} for n in range(23)]


def _answer(operation: Any, given: dict[str, Any], most: int) -> dict[str, Any]:
    """What a service does with paging arguments that never answers more than `most`."""
    paging = operation.paging
    size = min(given.get(paging.size) or most, most)
    if paging.start:
        first = given.get(paging.start, 1) - 1
    elif given.get(paging.offset or "-"):
        first = given[paging.offset]
    else:
        first = given.get(paging.page, 0) * size
    return {operation.rows: ROWS[first : first + size], paging.total: len(ROWS)}


@pytest.mark.parametrize("most", [5, 23, 100])
@pytest.mark.parametrize(
    "given", [{}, {"size": 4}, {"size": 50}, {"offset": 3}], ids=["plain", "size", "more", "offset"]
)
def test_following_next_reads_every_element_once(
    catalog: Catalog, given: dict[str, int], most: int
) -> None:
    paged = [operation for operation in catalog.values() if operation.paging]
    assert len(paged) == 9
    for operation in paged:
        paging = operation.paging
        assert paging
        known = paging.model_copy(update={"default": 0, "maximum": 0})
        operation = operation.model_copy(update={"paging": known})
        call: dict[str, Any] = {
            getattr(paging, k): v for k, v in given.items() if getattr(paging, k)
        }
        skipped = call.get(paging.offset, 0) if paging.offset else 0
        read: list[Any] = []
        for _ in range(30):
            data = _answer(operation, call, most)
            place = position(operation, call, data)
            read += data[operation.rows]
            if place.onward is None:
                break
            assert place.first in (None, skipped + len(read) - len(data[operation.rows]))
            call |= place.onward
        assert read == ROWS[skipped:], operation.name
        assert place.total == len(ROWS)
        assert place.onward is None


def test_known_sizes_end_at_the_last_page(catalog: Catalog) -> None:
    users = catalog["SearchUsers"]
    last = {"users": [{}] * 50, "total": 250}
    assert position(users, {"page": 2, "limit": 500}, last) == (200, 250, None)
    full = {"users": [{}] * 100, "total": 250}
    assert position(users, {"page": 1}, full) == (100, 250, {"page": 2})


def test_a_limit_becomes_the_page_size_unless_the_call_says_one(catalog: Catalog) -> None:
    users, audit = catalog["SearchUsers"], catalog["SearchAudit"]
    assert sized(users, {}, 5) == {"limit": 5}
    assert sized(users, {"limit": 50}, 5) == {"limit": 50}
    assert sized(users, {}, 5_000) == {"limit": 100}
    assert sized(audit, {}, 5) == {"size": 5}
    assert sized(catalog["LoadAllTenants"], {}, 5) == {}


def test_lists_are_found_where_the_contract_says(catalog: Catalog) -> None:
    found = {
        name: catalog[name].rows for name in ("SearchUsers", "SearchSCIMUsers", "Me", "LoadUser")
    }
    assert found == {
        "SearchUsers": "users",
        "SearchSCIMUsers": "Resources",
        "Me": "",
        "LoadUser": "",
    }
    assert not any(operation.rows for operation in catalog.values() if operation.effect != "read")
