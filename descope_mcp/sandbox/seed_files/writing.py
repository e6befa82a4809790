"""A sandbox's state as the text of a seed file."""

from __future__ import annotations

from functools import partial
from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.seed_files.fresh_secrets import TAG, Fresh, form_of, without

VERSION = 1
_HEAD = """\
# An organisation for `descope-mcp sandbox --seed FILE`: its records with their ids, as they were.
"""
_NEW_SECRETS = "# What stands as !new is drawn anew at every start.\n"
_OLD_SECRETS = "# It holds the sandbox's keys and other secrets in the clear.\n"


def seed_text(state: State, *, secrets: bool = False) -> str:
    """The seed that begins with what `state` is now.

    Args:
        state: what is written.
        secrets: whether its secrets are too, and what is under way (sessions, codes, messages),
            which means nothing without them.
    """
    records: dict[str, list[Record]] = {}
    for name, items in state.export().items():
        table = TABLES[name]
        if secrets:
            records[name] = items
        elif not table.passing:
            records[name] = [without(table, item, partial(form_of, record=item)) for item in items]
    return _HEAD + (_OLD_SECRETS if secrets else _NEW_SECRETS) + document({"records": records})


def document(content: dict[str, Any]) -> str:
    """A seed file of this content, without a word on it."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Writes a list that two records share twice: a reader need not look for it."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def fresh(dumper: Any, value: Fresh) -> Any:
        return dumper.represent_mapping(TAG, value.fields(), flow_style=True)

    def text_of(dumper: Any, value: str) -> Any:
        # Half a surrogate pair, which JSON can hold, is in no file (RFC 3629, section 3).
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return dumper.represent_str(whole)

    Dumper.add_representer(Fresh, fresh)
    Dumper.add_representer(str, text_of)
    text: str = yaml.dump(
        {"seed": VERSION, **content},
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text
