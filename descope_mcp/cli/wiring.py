"""From settings to the services of a call, on Descope or on the sandbox."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.cli import logs
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.dead_rules import never_called
from descope_mcp.guard.policy.decision import EVERY, Policy
from descope_mcp.settings import TERMINAL, Settings, SettingsError
from descope_mcp.store.store import Store
from descope_mcp.telemetry import setup, stages, vocabulary

if TYPE_CHECKING:
    from descope_mcp.sandbox.engine.state import State


def toolsets(settings: Settings, catalog: Catalog) -> list[str]:
    """The toolsets that the settings name.

    Raises:
        SettingsError: one of them does not exist.
    """
    wanted = [name.strip() for name in settings.toolsets.split(",") if name.strip()]
    known = [toolset.name for toolset in catalog.toolsets]
    unknown = [name for name in wanted if name not in (*known, "all")]
    if unknown:
        raise SettingsError(
            f"DESCOPE_MCP_TOOLSETS: there is no toolset {', '.join(unknown)}; "
            f"use all, or some of: {', '.join(known)}"
        )
    return wanted


def policy(settings: Settings, catalog: Catalog) -> Policy:
    """The policy of the settings, of whoever signed in, and of the file that the settings name.

    Raises:
        SettingsError: something in the file is wrong; one line per problem.
        ProfileError: nobody can tell which projects are marked as production.
    """
    return _policy(settings.policy, _own(settings), catalog)


def _own(settings: Settings, *, sandbox: bool = False) -> Policy:
    marked = frozenset({EVERY}) if settings.production else frozenset()
    # A mark is the project's: it counts whatever credentials lead there.
    if not sandbox and settings.has_profiles:
        from descope_mcp.profiles import profile

        marked |= profile.production(settings.profile_directory)
    return Policy(settings.read_only, marked)


def _policy(name: str, own: Policy, catalog: Catalog) -> Policy:
    if not name:
        return own
    # Its models and the TOML parser are loaded only where there is a file.
    from descope_mcp.guard.policy import file as policy_file

    try:
        return policy_file.applied(name, catalog, own)
    except policy_file.PolicyError as error:
        raise SettingsError(str(error)) from None


def unmatched(settings: Settings, applied: Policy, caller: str) -> Iterator[str]:
    """A sentence for every rule of a policy file that no call matches, `caller`'s or a person's."""
    callers = (caller, TERMINAL)
    for rule in applied.rules:
        if why := never_called(rule, callers, settings.project_id):
            yield f"{rule.place}: no call matches this rule, since {why}"


@asynccontextmanager
async def services(
    settings: Settings, catalog: Catalog | None = None, *, sandbox: bool = False
) -> AsyncIterator[Services]:
    """What calls need; with `sandbox`, a local Descope that ends with the context.

    Raises:
        SettingsError: the sandbox cannot begin, or the log be written, as the settings say.
        ProfileError: profiles cannot be read, or the key of the one that is used.
    """
    logs.begin(settings)
    catalog = catalog or load()
    own, watching = _own(settings, sandbox=sandbox), settings.shadow_policy
    applied = _policy(settings.policy, own, catalog)
    shadow = _policy(watching, own, catalog) if watching else None
    async with AsyncExitStack() as stack:
        _tell(stack, catalog)
        if sandbox:
            from descope_mcp.sandbox.http.serve import running

            local = await stack.enter_async_context(
                running(catalog.routes(), _state(stack, settings, catalog))
            )
            url, keys = local.url, Credentials(local.project_id, local.management_key)
        else:
            url, keys = settings.api_url, _credentials(settings)
        client = Client(url, keys, catalog.errors, settings.timeout)
        stack.push_async_callback(client.close)
        kept = stack.enter_context(closing(store(settings)))
        yield Services(
            catalog,
            client,
            applied,
            kept,
            settings.hosts,
            shadow,
            Caller(settings.caller),
            settings.wait,
            settings.console_url,
        )


@asynccontextmanager
async def telling(settings: Settings, services: Services) -> AsyncIterator[Services]:
    """Services of which people are told whose word is needed, as long as the context lasts.

    Raises:
        SettingsError: something in the file that says who is told is wrong.
    """
    if settings.notices is None:
        yield services
        return
    from descope_mcp.notices import configuration, delivery

    try:
        channels = configuration.read(settings.notices)
    except configuration.ConfigurationError as error:
        raise SettingsError(str(error)) from None
    with delivery.running(channels, services.store, services.console):
        yield replace(services, channels=tuple(channel.name for channel in channels))


def _tell(stack: AsyncExitStack, catalog: Catalog) -> None:
    """Tell traces and metrics, where the environment asks for them, until the stack ends."""
    stack.enter_context(setup.telling(logging.getLogger(__name__).warning))
    if stages.are_told():
        vocabulary.know("operation", (*catalog, *catalog.reports))
        vocabulary.know("template", (catalog[name].path for name in catalog))


def store(settings: Settings) -> Store:
    """The store that the settings name, not opened yet."""
    seconds = settings.retention_days * 24 * 3600
    url = key = None
    # Few servers have any of these; the others need not load what reads them.
    if address := settings.database_url.get_secret_value():
        from descope_mcp.store.databases.postgres_url import parsed

        url = parsed(address)
    given, command = settings.key.get_secret_value(), settings.key_command.get_secret_value()
    if given or command:
        from descope_mcp.store import key_source

        key = (
            key_source.given("DESCOPE_MCP_KEY", given)
            if given
            else key_source.command("DESCOPE_MCP_KEY_COMMAND", command)
        )
    return Store(settings.state_directory, settings.key_path, seconds, url=url, key=key)


def _state(stack: AsyncExitStack, settings: Settings, catalog: Catalog) -> State:
    from descope_mcp.sandbox.engine.state_file import StateFileError
    from descope_mcp.sandbox.seed_files.errors import SeedError
    from descope_mcp.sandbox.seeds import organisations

    try:
        began = organisations.chosen(settings.sandbox_seed, catalog)
        return stack.enter_context(organisations.begin(began, settings.sandbox_state))
    except KeyError:
        raise SettingsError(
            f"DESCOPE_MCP_SANDBOX_SEED: use one of {', '.join(organisations.SEEDS)}, "
            "or a file (its name ends in .yaml)"
        ) from None
    except SeedError as error:
        raise SettingsError(f"DESCOPE_MCP_SANDBOX_SEED: {error}") from None
    except StateFileError as error:
        raise SettingsError(f"DESCOPE_MCP_SANDBOX_STATE: {error}") from error


def _credentials(settings: Settings) -> Credentials:
    key = settings.management_key.get_secret_value()
    if settings.profile and not key:
        key = _kept_key(settings)
    return Credentials(
        settings.project_id,
        key,
        settings.auth_management_key.get_secret_value(),
        settings.access_key.get_secret_value(),
    )


def _kept_key(settings: Settings) -> str:
    """The management key of the profile.

    Raises:
        ProfileError: it cannot be had.
    """
    # A server with a key in its environment has none of this.
    from descope_mcp.profiles import key_storage, profile

    directory = settings.profile_directory
    place = profile.find(directory, settings.profile).key_in
    return key_storage.read(directory, settings.profile, place)
