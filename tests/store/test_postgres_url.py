"""Addresses of databases: what libpq would misread is refused, no password is shown."""

from __future__ import annotations

import pytest

from descope_mcp.store.databases.postgres_url import parsed, written
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store
from tests.postgres import PASSWORD, cluster


@pytest.mark.parametrize(
    ("text", "name", "local"),
    [
        ("postgresql://u:p@db.example:5432/d", "postgresql://db.example/d", False),
        ("postgres://u@127.0.0.1/d?sslmode=disable", "postgresql://127.0.0.1/d", True),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///run/postgresql/d", True),
        ("postgresql:///d", "postgresql:///d", True),
        ("postgresql://u:p%40@[::1]:5/d", "postgresql://[::1]:5/d", True),
        ("postgresql://a:1,b:5432/d", "postgresql://a:1,b/d", False),
        ("postgresql:///d?host=db.example&port=5433", "postgresql://db.example:5433/d", False),
        ("postgresql:///d?hostaddr=10.0.0.1", "postgresql://10.0.0.1/d", False),
    ],
)
def test_an_address_is_read_as_it_is_meant(text: str, name: str, local: bool) -> None:
    found = parsed(text)
    assert (found.name, found.is_local) == (name, local)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:hunter2@x@host/d",
        "postgresql://u:hunter2/x@host/d",
        "postgresql://u:hunter2#x@host/d",
        "postgresql://u:hunter2?x@host/d",
        "postgresql://host:hunter2/d",
        "postgresql://u:hunter2@host/",
        "postgresql://u:p@host/d?password=hunter2",
        "mysql://u:hunter2@host/d",
        "host=h password=hunter2",
        "postgresql://[hunter2/d",
    ],
)
def test_what_would_be_misread_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(StoreError, match="postgresql://USER") as refused:
        parsed(text)
    assert "hunter2" not in str(refused.value)


def test_a_host_that_only_the_environment_names_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert not parsed("postgresql:///d").is_local


def test_nothing_that_fails_shows_the_password(tmp_path: pytest.TempPathFactory) -> None:
    """A wrong one, a database that is not there, a port at which nothing listens."""
    port = cluster().port
    for text, said in (
        (written("tester", "hunter2", "127.0.0.1", port, "postgres"), "refuses the user"),
        (written("tester", PASSWORD, "127.0.0.1", port, "nowhere"), "no such database"),
        (written("tester", "hunter2", "127.0.0.1", 1, "postgres"), "nothing listens"),
        (written("tester", "hunter2", "no-such-host.invalid", 1, "d"), "host is not known"),
    ):
        store = Store(tmp_path / "state", tmp_path / "config" / "key", url=parsed(text))
        with pytest.raises(StoreError, match=said) as refused:
            _ = store.key
        shown = f"{refused.value} {store.fault()} {store.url!r} {store.setting} {vars(store)}"
        assert "hunter2" not in shown
        assert PASSWORD not in shown
