"""Descope's own Python SDK signs users in at the sandbox and believes the tokens it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio.from_thread
import jwt
import pyotp
import pytest
from descope import (
    AccessKeyLoginOptions,
    AssociatedTenant,
    AuthException,
    DeliveryMethod,
    DescopeClient,
    LoginOptions,
)

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.sandbox.engine.state import OUTBOX, State
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations

ADA = "ada.okafor@acme.example"
KAORI = "kaori.sato@globex.example"  # of two tenants
NEW = "new.person@acme.example"


class Box:
    """The sandbox, Descope's client for it, and what it sent."""

    def __init__(self, sandbox: Sandbox, state: State) -> None:
        self.state = state
        self.sandbox = sandbox
        self.sdk = DescopeClient(
            sandbox.project_id,
            base_url=sandbox.url,
            management_key=sandbox.management_key,
        )

    def sent(self) -> Any:
        return self.state.all(OUTBOX)[-1]["data"]


@pytest.fixture(scope="module")
def module_box(endpoints: dict[str, Endpoint]) -> Iterator[Box]:
    state = organisations.acme()
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(endpoints.values(), state)) as sandbox,
    ):
        yield Box(sandbox, state)


@pytest.fixture
def box(module_box: Box) -> Box:
    """Each test has users of its own, so one sandbox serves all."""
    return module_box


def code_of(error: pytest.ExceptionInfo[AuthException]) -> tuple[int, str]:
    body = json.loads(str(error.value.error_message))
    return error.value.status_code, body["errorCode"]


def signed_in(box: Box, login_id: str) -> Any:
    box.sdk.otp.sign_in(DeliveryMethod.EMAIL, login_id)
    return box.sdk.otp.verify_code(DeliveryMethod.EMAIL, login_id, box.sent()["code"])


def test_a_code_by_mail_signs_a_new_user_up(box: Box) -> None:
    masked = box.sdk.otp.sign_up(DeliveryMethod.EMAIL, NEW, {"name": "New Person"})
    assert masked.endswith("@acme.example")
    assert "new.person" not in masked
    with pytest.raises(AuthException) as wrong:
        box.sdk.otp.verify_code(DeliveryMethod.EMAIL, NEW, "000000x")
    assert code_of(wrong) == (401, "E061102")
    answer = box.sdk.otp.verify_code(DeliveryMethod.EMAIL, NEW, box.sent()["code"])
    assert (answer["firstSeen"], answer["user"]["verifiedEmail"]) == (True, True)
    assert (answer["user"]["status"], answer["user"]["name"]) == ("enabled", "New Person")
    assert answer["sessionToken"]["amr"] == ["email"]
    assert answer["sessionToken"]["drn"] == "DS"
    assert answer["refreshSessionToken"]["drn"] == "DSR"
    assert answer["projectId"] == box.sandbox.project_id
    with pytest.raises(AuthException) as taken:
        box.sdk.otp.sign_up(DeliveryMethod.EMAIL, NEW, {})
    assert code_of(taken) == (400, "E062107")


def test_a_code_by_text_message(box: Box) -> None:
    phone = "+15551234567"
    assert box.sdk.otp.sign_up_or_in(DeliveryMethod.SMS, phone).endswith("4567")
    answer = box.sdk.otp.verify_code(DeliveryMethod.SMS, phone, box.sent()["code"])
    assert (answer["user"]["phone"], answer["user"]["verifiedPhone"]) == (phone, True)


def test_a_session_is_validated_refreshed_and_ended(box: Box) -> None:
    answer = signed_in(box, ADA)
    session, refresh = (answer[f"{n}Token"]["jwt"] for n in ("session", "refreshSession"))
    claims = box.sdk.validate_session(session)
    assert claims["userId"] == answer["user"]["userId"]
    assert claims["roles"] == ["Owner"]
    assert "billing.write" in claims["permissions"]
    assert box.sdk.validate_permissions(claims, ["reports.read"])
    assert box.sdk.validate_and_refresh_session(session, refresh)["userId"] == claims["userId"]
    again = box.sdk.refresh_session(refresh)
    assert again["sessionToken"]["sub"] == claims["sub"]
    assert box.sdk.me(refresh)["email"] == ADA
    assert box.sdk.history(refresh)[0]["userId"] == claims["sub"]
    other = signed_in(box, ADA)["refreshSessionToken"]["jwt"]
    box.sdk.logout(refresh)
    with pytest.raises(AuthException) as ended:
        box.sdk.refresh_session(refresh)
    assert code_of(ended) == (401, "E064001")
    third = signed_in(box, ADA)["refreshSessionToken"]["jwt"]
    box.sdk.logout_all(other)
    with pytest.raises(AuthException) as ended:
        box.sdk.me(third)
    assert code_of(ended) == (401, "E064001")


def test_a_token_that_was_tampered_with_is_refused(box: Box) -> None:
    head, _, signature = signed_in(box, ADA)["sessionToken"]["jwt"].split(".")
    other = signed_in(box, KAORI)["sessionToken"]["jwt"].split(".")[1]
    with pytest.raises(jwt.InvalidSignatureError):
        box.sdk.validate_session(f"{head}.{other}.{signature}")


def test_a_magic_link(box: Box) -> None:
    box.sdk.magiclink.sign_in(DeliveryMethod.EMAIL, ADA, "https://app.example/verify?x=1")
    link = urlsplit(box.sent()["link"])
    assert link.hostname == "app.example"
    token = parse_qs(link.query)["t"][0]
    answer = box.sdk.magiclink.verify(token)
    assert answer["user"]["loginIds"] == [ADA]
    with pytest.raises(AuthException) as used:
        box.sdk.magiclink.verify(token)
    assert code_of(used) == (401, "E063010")


def test_an_enchanted_link_is_pending_until_it_is_opened(box: Box) -> None:
    answer = box.sdk.enchantedlink.sign_up_or_in("wanda@acme.example", "https://app.example")
    assert answer["linkId"] == box.sent()["linkId"]
    with pytest.raises(AuthException) as pending:
        box.sdk.enchantedlink.get_session(answer["pendingRef"])
    assert code_of(pending) == (401, "E062503")
    box.sdk.enchantedlink.verify(box.sent()["token"])
    session = box.sdk.enchantedlink.get_session(answer["pendingRef"])
    assert session["user"]["loginIds"] == ["wanda@acme.example"]


def test_passwords_have_rules_and_expire(box: Box) -> None:
    sdk, who = box.sdk, "pass@acme.example"
    assert sdk.password.get_policy()["minLength"] == 8
    with pytest.raises(AuthException) as weak:
        sdk.password.sign_up(who, "weak")
    assert weak.value.status_code == 400
    sdk.password.sign_up(who, "Str0ngEnough", {"email": who})
    assert sdk.password.sign_in(who, "Str0ngEnough")["sessionToken"]["amr"] == ["pwd"]
    with pytest.raises(AuthException) as wrong:
        sdk.password.sign_in(who, "Str0ngenough")
    assert wrong.value.status_code == 401
    sdk.mgmt.user.expire_password(who)
    with pytest.raises(AuthException) as expired:
        sdk.password.sign_in(who, "Str0ngEnough")
    assert code_of(expired) == (401, "E062909")
    sdk.password.replace(who, "Str0ngEnough", "An0therOne")
    assert sdk.password.sign_in(who, "An0therOne")["user"]["loginIds"] == [who]
    assert sdk.password.send_reset(who)["resetMethod"] == "magiclink"
    refresh = sdk.magiclink.verify(box.sent()["token"])["refreshSessionToken"]["jwt"]
    sdk.password.update(who, "Th1rdOneNow", refresh)
    assert sdk.password.sign_in(who, "Th1rdOneNow")
    assert "Th1rdOneNow" not in str(box.state.rows["credentials"].records)


def test_an_authenticator_app_is_a_second_factor(box: Box) -> None:
    sdk, who = box.sdk, "totp@acme.example"
    made = sdk.totp.sign_up(who)
    assert pyotp.parse_uri(made["provisioningURL"]).secret == made["key"]
    with pytest.raises(AuthException):
        sdk.totp.sign_in_code(who, "000000x")
    first = sdk.totp.sign_in_code(who, pyotp.TOTP(made["key"]).now())
    assert sdk.mgmt.user.load(who)["user"]["TOTP"] is True
    refresh = first["refreshSessionToken"]["jwt"]
    sdk.mgmt.user.update_email(who, who, True)
    sdk.otp.sign_in(DeliveryMethod.EMAIL, who, LoginOptions(mfa=True), refresh)
    both = sdk.otp.verify_code(DeliveryMethod.EMAIL, who, box.sent()["code"])
    assert both["sessionToken"]["amr"] == ["totp", "email", "mfa"]
    assert both["sessionToken"]["sid"] == first["sessionToken"]["sid"]


def test_step_up_marks_the_session_token_only(box: Box) -> None:
    refresh = signed_in(box, ADA)["refreshSessionToken"]["jwt"]
    options = LoginOptions(stepup=True, custom_claims={"why": "payment"})
    box.sdk.otp.sign_in(DeliveryMethod.EMAIL, ADA, options, refresh)
    strong = box.sdk.otp.verify_code(DeliveryMethod.EMAIL, ADA, box.sent()["code"])
    assert (strong["sessionToken"]["su"], strong["sessionToken"]["why"]) == (True, "payment")
    assert "su" not in box.sdk.refresh_session(refresh)["sessionToken"]
    box.sdk.otp.sign_in(DeliveryMethod.EMAIL, KAORI, options, refresh)
    with pytest.raises(AuthException) as foreign:
        box.sdk.otp.verify_code(DeliveryMethod.EMAIL, KAORI, box.sent()["code"])
    assert foreign.value.status_code == 401


def test_a_tenant_is_selected(box: Box) -> None:
    answer = signed_in(box, KAORI)
    assert "dct" not in answer["sessionToken"]
    assert set(answer["tenants"]) == {"globex", "globex-emea"}
    refresh = answer["refreshSessionToken"]["jwt"]
    selected = box.sdk.select_tenant("globex-emea", refresh)
    assert selected["sessionToken"]["dct"] == "globex-emea"
    assert box.sdk.validate_tenant_roles(selected, "globex-emea", ["Owner"])
    with pytest.raises(AuthException):
        box.sdk.select_tenant("umbra", refresh)


def test_an_access_key_is_exchanged_for_a_session(box: Box) -> None:
    made = box.sdk.mgmt.access_key.create(
        "robot",
        key_tenants=[AssociatedTenant("globex", ["Analyst"])],
        custom_claims={"kind": "robot"},
    )
    bound = box.sdk.mgmt.access_key.create(
        "worker", user_id=box.sdk.mgmt.user.load(ADA)["user"]["userId"]
    )
    answer = box.sdk.exchange_access_key(made["cleartext"])
    assert (answer["keyId"], answer["sessionToken"]["kind"]) == (made["key"]["id"], "robot")
    assert answer["tenants"]["globex"]["roles"] == ["Analyst"]
    assert box.sdk.exchange_access_key(bound["cleartext"])["roles"] == ["Owner"]
    box.sdk.mgmt.access_key.deactivate(made["key"]["id"])
    with pytest.raises(AuthException) as off:
        box.sdk.exchange_access_key(made["cleartext"])
    assert off.value.status_code == 401


def test_test_users_get_their_codes_from_the_backend(box: Box) -> None:
    mgmt, who = box.sdk.mgmt.user, "robot@acme.example"
    mgmt.create_test_user(who, email=who)
    code = mgmt.generate_otp_for_test_user(DeliveryMethod.EMAIL, who)["code"]
    assert box.sdk.otp.verify_code(DeliveryMethod.EMAIL, who, code)["user"]["test"] is True
    link = mgmt.generate_magic_link_for_test_user(DeliveryMethod.EMAIL, who, "https://a.example")
    assert box.sdk.magiclink.verify(link["link"].partition("t=")[2])
    enchanted = mgmt.generate_enchanted_link_for_test_user(who, "https://a.example")
    box.sdk.enchantedlink.verify(enchanted["link"].partition("t=")[2])
    assert box.sdk.enchantedlink.get_session(enchanted["pendingRef"])
    with pytest.raises(AuthException):
        mgmt.generate_otp_for_test_user(DeliveryMethod.EMAIL, ADA)
    token = mgmt.generate_embedded_link(ADA, {"from": "backend"})
    assert box.sdk.magiclink.verify(token)["sessionToken"]["from"] == "backend"


def test_a_test_users_code_outlasts_the_sign_in_that_it_is_for(box: Box) -> None:
    mgmt, who = box.sdk.mgmt.user, "prepared@acme.example"
    mgmt.create_test_user(who, email=who)
    code = mgmt.generate_otp_for_test_user(DeliveryMethod.EMAIL, who)["code"]
    box.sdk.otp.sign_up(DeliveryMethod.EMAIL, who, {"name": "Prepared"})
    assert box.sdk.otp.verify_code(DeliveryMethod.EMAIL, who, code)["firstSeen"] is True
    link = mgmt.generate_magic_link_for_test_user(DeliveryMethod.EMAIL, who, "https://a.example")
    box.sdk.magiclink.sign_in(DeliveryMethod.EMAIL, who, "https://a.example")
    assert box.sdk.magiclink.verify(link["link"].partition("t=")[2])["firstSeen"] is False
    with pytest.raises(AuthException) as known:
        box.sdk.otp.sign_up(DeliveryMethod.EMAIL, who, {"name": "Again"})
    assert code_of(known) == (400, "E062107")
    box.sdk.otp.sign_in(DeliveryMethod.EMAIL, ADA)
    earlier = box.sent()["code"]
    box.sdk.otp.sign_in(DeliveryMethod.EMAIL, ADA)
    if earlier != box.sent()["code"]:
        with pytest.raises(AuthException):
            box.sdk.otp.verify_code(DeliveryMethod.EMAIL, ADA, earlier)


def test_a_backend_has_no_session_that_a_second_factor_would_strengthen(box: Box) -> None:
    mgmt, who = box.sdk.mgmt.user, "second-factor@acme.example"
    options = LoginOptions(mfa=True)
    token = mgmt.generate_sign_up_embedded_link(who, login_options=options)
    assert box.sdk.magiclink.verify(token)["firstSeen"] is True
    mgmt.create_test_user("factor-robot", email="factor-robot@acme.example")
    assert mgmt.generate_otp_for_test_user(DeliveryMethod.EMAIL, "factor-robot", options)["code"]


def test_claims_of_who_exchanges_a_key_stand_apart(box: Box) -> None:
    made = box.sdk.mgmt.access_key.create("claims", custom_claims={"kind": "robot"})
    options = AccessKeyLoginOptions(custom_claims={"kind": "owner"})
    token = box.sdk.exchange_access_key(made["cleartext"], login_options=options)["sessionToken"]
    assert (token["kind"], token["nsec"]) == ("robot", {"kind": "owner"})


def test_tokens_that_a_backend_asks_for(box: Box) -> None:
    issued = box.sdk.mgmt.jwt
    signed = issued.sign_in(ADA)
    session = signed["sessionToken"]["jwt"]
    changed = issued.update_jwt(session, {"plan": "gold"})
    assert box.sdk.validate_session(changed)["plan"] == "gold"
    refresh = signed["refreshSessionToken"]["jwt"]
    assert box.sdk.refresh_session(refresh)["sessionToken"]["plan"] == "gold"
    anonymous = issued.anonymous({"cart": "42"})
    assert anonymous["sessionToken"]["cart"] == "42"
    admin = box.sdk.mgmt.user.load("farid.haddad@globex.example")["user"]["userId"]
    acting = issued.impersonate(admin, "grace.kim@globex.example", False)
    claims = box.sdk.validate_session(acting)
    assert claims["act"]["sub"] == admin
    assert box.sdk.me(acting)["loginIds"] == ["grace.kim@globex.example"]
    back = issued.stop_impersonation(acting)
    assert box.sdk.me(back)["userId"] == admin
    with pytest.raises(AuthException) as not_allowed:
        issued.impersonate(admin, ADA, False)
    assert not_allowed.value.status_code == 403
    with pytest.raises(AuthException) as not_consented:
        issued.impersonate(admin, "grace.kim@globex.example", True)
    assert not_consented.value.status_code == 404


def test_a_social_provider_sends_back_a_code(box: Box) -> None:
    answer = box.sdk.oauth.start("google", "https://app.example/back")
    assert answer["url"].startswith("https://google.example/authorize?")
    code = box.sent()["code"]
    session = box.sdk.oauth.exchange_token(code)
    assert session["user"]["OAuth"] == {"google": True}
    with pytest.raises(AuthException):
        box.sdk.oauth.exchange_token(code)


def test_a_tenant_s_own_provider_makes_members(box: Box) -> None:
    box.sdk.sso.start("globex", "https://app.example/back")
    session = box.sdk.sso.exchange_token(box.sent()["code"])
    assert session["sessionToken"]["dct"] == "globex"
    assert session["sessionToken"]["amr"] == ["fed"]


def test_a_passkey_ceremony_has_real_options(box: Box) -> None:
    sdk, who = box.sdk, "key@acme.example"
    started = sdk.webauthn.sign_up_start(who, "https://app.example")
    options = json.loads(started["options"])["publicKey"]
    assert options["rp"]["id"] == "app.example"
    response = json.dumps({"id": "credential-1"})
    done = sdk.webauthn.sign_up_finish(started["transactionId"], response)
    assert done["user"]["webauthn"] is True
    again = sdk.webauthn.sign_in_start(who, "https://app.example")
    with pytest.raises(AuthException):
        sdk.webauthn.sign_in_finish(again["transactionId"], json.dumps({"id": "other"}))
    assert sdk.webauthn.sign_in_finish(again["transactionId"], response)["user"]
