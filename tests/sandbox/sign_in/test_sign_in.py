"""Signing in over plain HTTP: refusals that count, time, cookies, rarer ways in."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from descope_mcp.sandbox.engine.state import OUTBOX
from descope_mcp.sandbox.sessions.answers import deliver
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"


class User:
    """Somebody who calls operations with a token of their own."""

    def __init__(self, client: Client, token: str = "") -> None:
        self.client = client
        value = ":".join(filter(None, (client.sandbox.project_id, token)))
        self.headers = {"Authorization": f"Bearer {value}"}

    async def send(self, operation: str, **arguments: Any) -> httpx.Response:
        return await self.client.send(operation, self.headers, **arguments)

    async def call(self, operation: str, expect: int = 200, **arguments: Any) -> Any:
        answer = await self.send(operation, **arguments)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def error(self, operation: str, **arguments: Any) -> tuple[int, str]:
        answer = await self.send(operation, **arguments)
        return answer.status_code, answer.json()["errorCode"]


def sent(client: Client) -> Any:
    return client.state.all(OUTBOX)[-1]["data"]


async def signed_in(client: Client, login_id: str = ADA, **more: Any) -> Any:
    nobody = User(client)
    await nobody.call("UserSigninOtpEmail", loginId=login_id, **more)
    code = sent(client)["code"]
    return await nobody.call("VerifyOtpEmail", loginId=login_id, code=code)


async def test_wrong_codes_are_counted_though_refused(client: Client) -> None:
    nobody = User(client)
    await nobody.call("UserSigninOtpEmail", loginId=ADA)
    code = sent(client)["code"]
    wrong = {"loginId": ADA, "code": "wrong"}
    assert await nobody.error("VerifyOtpEmail", **wrong) == (401, "E061102")
    assert await nobody.error("VerifyOtpEmail", **wrong) == (401, "E061102")
    assert await nobody.error("VerifyOtpEmail", **wrong) == (401, "E061103")
    assert await nobody.error("VerifyOtpEmail", loginId=ADA, code=code) == (401, "E061103")
    await nobody.call("UserSigninOtpEmail", loginId=ADA)
    assert (await nobody.call("VerifyOtpEmail", loginId=ADA, code=sent(client)["code"]))["user"]
    events = (await client.call("SearchAudit", actions=["LoginFailed"], userIds=[]))["audits"]
    assert sum(event["externalIds"] == [ADA] for event in events) == 3


async def test_codes_links_and_sessions_expire(client: Client) -> None:
    nobody, answer = User(client), await signed_in(client)
    await nobody.call("UserSigninOtpEmail", loginId=ADA)
    code = sent(client)["code"]
    await nobody.call("SignInMagicLinkEmail", loginId=ADA)
    token = sent(client)["token"]
    client.state.clock = lambda: time.time() + 11 * 60
    assert await nobody.error("VerifyOtpEmail", loginId=ADA, code=code) == (401, "E061104")
    assert await nobody.error("VerifyMagicLink", token=token) == (401, "E062504")
    session, refresh = User(client, answer["sessionJwt"]), User(client, answer["refreshJwt"])
    assert (await session.send("ValidateSession")).status_code == 401
    new = await refresh.call("RefreshSession")
    claims = await User(client, new["sessionJwt"]).call("ValidateSession")
    assert (claims["sub"], claims["drn"]) == (new["user"]["userId"], "DS")
    client.state.clock = lambda: time.time() + 29 * 24 * 3600
    assert (await refresh.send("RefreshSession")).status_code == 401


async def test_a_refresh_token_is_no_session_token(client: Client) -> None:
    answer = await signed_in(client)
    session, refresh = User(client, answer["sessionJwt"]), User(client, answer["refreshJwt"])
    assert (await session.send("RefreshSession")).status_code == 401
    assert (await refresh.send("ValidateSession")).status_code == 401
    assert (await User(client, "x.y.z").send("Me")).status_code == 401
    assert (await User(client).send("Me")).status_code == 401


async def test_disabling_or_deleting_a_user_ends_their_sessions(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    await client.call("UpdateUserStatus", loginId=ADA, status="disabled")
    assert await refresh.error("RefreshSession") == (401, "E064001")
    await User(client).call("UserSigninOtpEmail", loginId=ADA)
    code = sent(client)["code"]
    assert (await User(client).send("VerifyOtpEmail", loginId=ADA, code=code)).status_code == 401
    await client.call("UpdateUserStatus", loginId=ADA, status="enabled")
    await refresh.call("RefreshSession")
    await client.call("DeleteUser", loginId=ADA)
    assert await refresh.error("RefreshSession") == (401, "E064001")


async def test_the_backend_logs_a_user_out(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    await client.call("LogoutAllUserDevices", loginId=ADA)
    assert await refresh.error("Me") == (401, "E064001")


async def test_rights_follow_roles_at_the_next_refresh(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    await client.call("UpdateUserSetRoles", loginId=ADA, roleNames=["Billing"])
    new = await refresh.call("RefreshSession")
    claims = await User(client, new["sessionJwt"]).call("ValidateSession")
    assert (claims["roles"], claims["permissions"]) == (
        ["Billing"],
        ["billing.read", "billing.write"],
    )


async def test_a_tenant_may_have_shorter_sessions(client: Client) -> None:
    settings = {
        "tenantId": "globex",
        "enabled": True,
        "sessionTokenExpiration": 3,
        "sessionTokenExpirationUnit": "minutes",
        "refreshTokenExpiration": 2,
        "refreshTokenExpirationUnit": "hours",
    }
    await client.call("ConfigureTenantSettings", **settings)
    user = "grace.kim@globex.example"
    answer = await signed_in(client, user, loginOptions={"tenantId": "globex"})
    claims = await User(client, answer["sessionJwt"]).call("ValidateSession")
    assert claims["exp"] - claims["iat"] == 180
    # A second may pass between the two.
    assert answer["cookieMaxAge"] in (7199, 7200)


async def test_a_project_with_cookies_keeps_tokens_out_of_the_body(client: Client) -> None:
    deliver(client.state, cookies=True)
    nobody = User(client)
    await nobody.call("UserSigninOtpEmail", loginId=ADA)
    answer = await nobody.send("VerifyOtpEmail", loginId=ADA, code=sent(client)["code"])
    assert (answer.json()["sessionJwt"], answer.json()["refreshJwt"]) == ("", "")
    assert set(answer.cookies) == {"DS", "DSR"}
    # The client keeps cookies as a browser does; the header names the project only.
    assert (await nobody.call("Me"))["email"] == ADA
    assert (await nobody.call("ValidateSession"))["drn"] == "DS"
    await nobody.call("Logout")
    assert (await nobody.send("Me")).status_code == 401


async def test_passwords_lock_after_too_many_attempts(client: Client) -> None:
    nobody = User(client)
    await client.call("SetUserActivePassword", loginId=ADA, password="Right-1234")
    wrong = {"loginId": ADA, "password": "Wrong-1234"}
    statuses = [(await nobody.send("SignInPassword", **wrong)).status_code for _ in range(5)]
    assert statuses == [401] * 5
    right = {"loginId": ADA, "password": "Right-1234"}
    assert await nobody.error("SignInPassword", **right) == (401, "E062904")
    await client.call("SetUserActivePassword", loginId=ADA, password="Fresh-1234")
    assert await nobody.call("SignInPassword", loginId=ADA, password="Fresh-1234")


async def test_recovery_codes_work_once(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    codes = (await refresh.call("GenerateUserRecoveryCodes", loginId=ADA))["codes"]
    assert len({code["code"] for code in codes}) == 10
    one = {"loginId": ADA, "code": codes[3]["code"]}
    assert (await User(client).call("SignInRecoveryCode", **one))["user"]["loginIds"] == [ADA]
    assert (await User(client).send("SignInRecoveryCode", **one)).status_code == 401
    other = {"loginId": "ben.carter@acme.example"}
    assert (await refresh.send("GenerateUserRecoveryCodes", **other)).status_code == 401


async def test_security_questions_need_every_answer(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    answers = [{"id": "first-pet", "answer": "Rex"}, {"id": "birth-town", "answer": "Lagos"}]
    await refresh.call("SetupUserSecurityQuestions", loginId=ADA, answers=answers)
    asked = (await refresh.call("GetUserSecurityVerifyQuestions"))["questions"]
    assert {question["id"] for question in asked} == {"first-pet", "birth-town"}
    some = {"loginId": ADA, "answers": answers[:1]}
    assert (await refresh.send("VerifyUserSecurityQuestions", **some)).status_code == 401
    typed = [{**answer, "answer": f" {answer['answer'].upper()} "} for answer in answers]
    right = {"loginId": ADA, "answers": typed, "stepup": True}
    new = await refresh.call("VerifyUserSecurityQuestions", **right)
    assert (await User(client, new["sessionJwt"]).call("ValidateSession"))["su"] is True


async def test_a_new_address_counts_once_it_is_verified(client: Client) -> None:
    refresh = User(client, (await signed_in(client))["refreshJwt"])
    new = {"loginId": ADA, "email": "ada@new.example", "addToLoginIDs": True}
    await refresh.call("UpdateUserEmailOtp", **new)
    assert (await client.user(ADA))["email"] == ADA
    code = sent(client)["code"]
    user = (await User(client).call("VerifyOtpEmail", loginId=ADA, code=code))["user"]
    assert (user["email"], user["loginIds"]) == ("ada@new.example", [ADA, "ada@new.example"])
    taken = {**new, "email": "ben.carter@acme.example"}
    assert await refresh.error("UpdateUserEmailOtp", **taken) == (400, "E062107")


async def test_notp_waits_for_a_message_that_cannot_come(client: Client) -> None:
    nobody = User(client)
    started = await nobody.call("SignUpOrInNOTP", provider="whatsapp", loginId="+15550001111")
    assert started["redirectUrl"].startswith("https://wa.me/")
    pending = {"pendingRef": started["pendingRef"]}
    assert await nobody.error("GetNOTPSession", **pending) == (401, "E066103")
    await nobody.call("VerifyEnchantedLink", token=sent(client)["token"])
    assert (await nobody.call("GetNOTPSession", **pending))["user"]["phone"] == "+15550001111"


async def test_a_secret_is_in_no_audit_event(client: Client) -> None:
    answer = await signed_in(client)
    events = str(await client.call("SearchAudit"))
    assert answer["refreshJwt"] not in events
    assert sent(client)["code"] not in [w for w in events.split("'") if len(w) == 6]


async def test_saml_leads_to_a_page_and_ends_in_an_assertion(client: Client) -> None:
    apps = (await client.call("LoadAllSSOApplications"))["apps"]
    app = next(a for a in apps if a["appType"] == "saml")["id"]
    nobody = User(client)
    metadata = await nobody.send("SAMLIDPMetadata", app=app)
    assert metadata.headers["content-type"] == "application/xml"
    assert "<IDPSSODescriptor" in metadata.text
    start = await nobody.send("SAMLIDPHTTPRedirectBinding", app=app, RelayState="back")
    assert start.status_code == 302
    state_id = parse_qs(urlsplit(start.headers["location"]).query)["state_id"][0]
    user = User(client, (await signed_in(client))["refreshJwt"])
    done = await user.call("SAMLIDPFinishEndpoint", state_id=state_id)
    assert (done["relayState"], done["error"]) == ("back", False)
    assert (await user.send("SAMLIDPFinishEndpoint", state_id=state_id)).status_code == 400
