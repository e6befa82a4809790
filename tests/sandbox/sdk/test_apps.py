"""Descope's own Python SDK manages applications, connections and lists of the sandbox."""

from __future__ import annotations

import anyio.to_thread
import pytest
from descope import DescopeClient
from descope.management.common import SAMLIDPAttributeMappingInfo

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def test_the_sdk_finds_what_it_made(client: Client) -> None:
    box = client.sandbox
    await anyio.to_thread.run_sync(_use, box.project_id, box.management_key, box.url)


def _use(project_id: str, key: str, url: str) -> None:
    management = DescopeClient(project_id=project_id, management_key=key, base_url=url).mgmt

    sso = management.sso_application
    sso.create_saml_application(
        name="Wiki",
        login_page_url="https://auth.acme.example",
        id="wiki",
        use_metadata_info=True,
        metadata_url="https://wiki.example/metadata",
        attribute_mapping=[SAMLIDPAttributeMappingInfo("email", "", "user.email")],
    )
    mapping = sso.load("wiki")["samlSettings"]["attributeMapping"]
    assert mapping == [{"name": "email", "type": "", "value": "user.email"}]
    sso.delete("wiki")
    assert "wiki" not in [app["id"] for app in sso.load_all()["apps"]]

    partners = management.third_party_application
    made = partners.create(name="Partner", login_page_url="https://auth.acme.example")
    assert partners.get_secret(made["id"])["cleartext"] == made["cleartext"]
    assert partners.rotate_secret(made["id"])["cleartext"] != made["cleartext"]
    partners.patch(made["id"], description="Patched")
    loaded = partners.load(made["id"])
    assert (loaded["name"], loaded["description"]) == ("Partner", "Patched")
    partners.delete_tenant_consents("globex")
    assert partners.search_consents(tenant_id="globex")["total"] == 0

    outbound = management.outbound_application
    user_id = management.user.load("ada.okafor@acme.example")["user"]["userId"]
    assert outbound.list_apps_with_user_token(user_id)["appIds"] == ["google-calendar"]
    token = outbound.fetch_token("google-calendar", user_id)["token"]
    outbound.delete_token(token["id"])
    assert outbound.list_apps_with_user_token(user_id)["appIds"] == []

    lists = management.list
    made = lists.create("Names", "texts", data=["a"])["list"]
    lists.add_texts(made["id"], ["b"])
    assert lists.check_text(made["id"], "b")
    assert lists.load_all()["lists"][-1]["data"] == ["a", "b"]
