"""The project as identity provider of other applications, by SAML and WS-Federation.

Metadata is real as far as it goes. Assertions are not signed, so no partner will believe them.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from descope_mcp.sandbox.applications.sso_apps import SSO_APPS, entity_id
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.sessions import sessions

_WHY = "Nobody signs in at the page that it leads to, and no assertion is signed"

#: Sign-ins that another application asked for and that are not finished.
SAML_REQUESTS = register(
    Table(
        "saml_requests",
        "SR",
        passing=True,
        references=(Reference("appId", "sso_apps", on_delete="cascade"),),
        template={"appId": "", "relayState": "", "reply": "", "realm": ""},
    )
)

_XML = {"Content-Type": "application/xml"}

_SAML_METADATA = """<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" \
Location="{url}"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" \
Location="{url}"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"""

_WSFED_METADATA = """<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
  <RoleDescriptor xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" \
protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">
    <fed:PassiveRequestorEndpoint>{url}</fed:PassiveRequestorEndpoint>
  </RoleDescriptor>
</EntityDescriptor>
"""

_RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" \
xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" IssueInstant="{now}">\
<saml:Issuer>{issuer}</saml:Issuer><saml:Assertion><saml:Subject>\
<saml:NameID>{subject}</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>"""


@handles(
    "SAMLIDPInitiateHTTPRedirectBinding",
    "SAMLIDPInitiateHTTPPostBinding",
    "SAMLIDPHTTPRedirectBinding",
    "SAMLIDPHTTPPostBinding",
    required=["app"],
    shape_only=_WHY,
)
def saml_start(state: State, arguments: Arguments) -> Answer:
    """On to the page where the user signs in."""
    app = _app(state, arguments["app"])
    relay = fill({"RelayState": ""}, arguments)["RelayState"]
    reply = str(app.get("samlSettings", {}).get("acsUrl") or "")
    return _to_login(state, {"appId": app["id"], "relayState": relay, "reply": reply})


@handles(
    "WSFedIDPInitiateGet",
    "WSFedIDPInitiatePost",
    "WSFedIDPPassiveGet",
    "WSFedIDPPassivePost",
    required=["app"],
    shape_only=_WHY,
)
def wsfed_start(state: State, arguments: Arguments) -> Answer:
    """On to the page where the user signs in."""
    app = _app(state, arguments["app"])
    asked = fill({"wreply": "", "wctx": "", "wtrealm": ""}, arguments)
    reply = asked["wreply"] or str(app.get("wsfedSettings", {}).get("replyUrl") or "")
    fields = {"relayState": asked["wctx"], "reply": reply, "realm": asked["wtrealm"]}
    return _to_login(state, {"appId": app["id"], **fields})


@handles("SAMLIDPFinishEndpoint", required=["state_id"], shape_only=_WHY)
def saml_finish(state: State, arguments: Arguments) -> Answer:
    """What the browser posts to the application once the user is signed in."""
    request, assertion = _finish(state, arguments)
    encoded = base64.b64encode(assertion.encode()).decode()
    return {
        "url": request["reply"],
        "samlResponse": encoded,
        "relayState": request["relayState"],
        "error": False,
    }


@handles("WSFedIDPFinishEndpoint", required=["state_id"], shape_only=_WHY)
def wsfed_finish(state: State, arguments: Arguments) -> Answer:
    """What the browser posts to the application once the user is signed in."""
    request, assertion = _finish(state, arguments)
    return {
        "replyURL": request["reply"],
        "wresult": assertion,
        "wctx": request["relayState"],
        "error": False,
    }


@handles("SAMLIDPMetadata", required=["app"])
def saml_metadata(state: State, arguments: Arguments) -> Answer:
    """What the application must know of the project."""
    return _metadata(state, arguments, _SAML_METADATA, "saml")


@handles("WSFedIDPMetadata", required=["app"])
def wsfed_metadata(state: State, arguments: Arguments) -> Answer:
    """What the application must know of the project."""
    return _metadata(state, arguments, _WSFED_METADATA, "wsfed")


def _metadata(state: State, arguments: Arguments, template: str, protocol: str) -> Answer:
    app = _app(state, arguments["app"])
    query = urlencode({"app": arguments["app"]})
    url = f"{state.caller.url}/v1/auth/{protocol}/idp/sso?{query}"
    text = template.format(entity=escape(entity_id(state, app)), url=escape(url))
    return Reply(text, headers=_XML)


def _app(state: State, app: str) -> Record:
    """The application; its partners know it as project and id with a dash between."""
    return state.get(SSO_APPS, app.removeprefix(f"{state.project_id}-"))


def _to_login(state: State, fields: Record) -> Answer:
    request = state.add(SAML_REQUESTS, fields)
    query = urlencode({"state_id": request["id"], "sso_app_id": request["appId"]})
    url = f"{state.caller.url}/login/{state.project_id}?{query}"
    return Reply({}, 302, {"Location": url})


def _finish(state: State, arguments: Arguments) -> tuple[Record, str]:
    """The request, which is used up, and an unsigned assertion of the signed-in user."""
    request = state.find(SAML_REQUESTS, id=arguments["state_id"])
    if request is None:
        raise DescopeError(INVALID, "The sign-in is not known")
    user = sessions.current_user(state)
    state.delete(SAML_REQUESTS, request["id"])
    issuer = entity_id(state, state.get(SSO_APPS, request["appId"]))
    now = datetime.fromtimestamp(state.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    subject = escape(user["email"] or user["loginIds"][0])
    return request, _RESPONSE.format(now=now, issuer=escape(issuer), subject=subject)
