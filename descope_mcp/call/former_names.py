"""What the targets of a call were called before, by the journal."""

from __future__ import annotations

from dataclasses import replace

from anyio.to_thread import run_sync

from descope_mcp.call.services import Services
from descope_mcp.guard.preview.former_names import former_names
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.target_identity import own_ids


async def remembering(preview: Preview, services: Services) -> Preview:
    """The preview with the names that its targets had before.

    Raises:
        StoreError: the journal cannot be read.
    """
    if not own_ids(preview.target):
        return preview
    # The store's library takes a third of a second to load, which no read has to pay for.
    from descope_mcp.store.journal.earlier_states import earlier_states

    earlier, all_of_it = await run_sync(earlier_states, services.store, services.project)
    return replace(
        preview, former=tuple(former_names(preview.target, earlier)), remembered=all_of_it
    )
