"""The fixture `descope_sandbox`, found by pytest itself in a run of its own."""

from __future__ import annotations

import pytest

pytest_plugins = "pytester"

TESTS = """
import sys
import time
import json
import urllib.error
import urllib.request
import pytest

def test_nothing_is_loaded_before_it_is_used():
    loaded = [name for name in sys.modules if name.startswith("descope_mcp")]
    assert loaded == ["descope_mcp", "descope_mcp.pytest_plugin"]
    assert "starlette" not in sys.modules

def call(box, path, **arguments):
    key = f"Bearer {box.project_id}:{box.management_key}"
    headers = {"Authorization": key, "Content-Type": "application/json"}
    request = urllib.request.Request(box.url + path, json.dumps(arguments).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)

def test_it_has_the_organisation_of_the_seed_file(descope_sandbox):
    tenants = call(descope_sandbox, "/v1/mgmt/tenant/search")["tenants"]
    assert [tenant["id"] for tenant in tenants] == ["globex"]
    call(descope_sandbox, "/v1/mgmt/tenant/delete", id="globex")

@pytest.mark.parametrize("again", range(3))
def test_each_test_has_it_as_at_the_beginning(descope_sandbox, again):
    start = time.perf_counter()
    made = call(descope_sandbox, "/v1/mgmt/user/create", loginId="a@x.example", email="a@x.example")
    assert made["user"]["userId"].startswith("U")
    assert [one["operation"] for one in descope_sandbox.requests()] == ["CreateUser"]
    assert call(descope_sandbox, "/v1/mgmt/tenant/search")["tenants"]

def test_codes_faults_and_the_clock(descope_sandbox):
    call(descope_sandbox, "/v1/auth/otp/signup/email", loginId="b@x.example")
    (message,) = descope_sandbox.outbox(to="b@x.example")
    descope_sandbox.advance(3600)
    descope_sandbox.add_fault("VerifyOtpEmail", status=503, times=1)
    verified = ("/v1/auth/otp/verify/email", {"loginId": "b@x.example", **message["data"]})
    for status in (503, 401):
        with pytest.raises(urllib.error.HTTPError) as raised:
            call(descope_sandbox, verified[0], **verified[1])
        assert raised.value.code == status
    with pytest.raises(ValueError, match="no operation VerifyOtpMail; .* VerifyOtpEmail"):
        descope_sandbox.add_fault("VerifyOtpMail", status=503)
    with pytest.raises(ValueError, match="no seed nowhere"):
        descope_sandbox.reset("nowhere")
    descope_sandbox.set_conditions(rateLimits=True)
    assert descope_sandbox.environment["DESCOPE_BASE_URL"] == descope_sandbox.url
    assert descope_sandbox.management_key not in repr(descope_sandbox)
"""
SEED = """
seed: 1
calls:
  - {operation: CreateTenant, arguments: {id: globex, name: Globex}}
"""


def test_tests_have_a_sandbox(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    pytester.makefile(".yaml", seed=SEED)
    pytester.makeini("[pytest]\ndescope_sandbox_seed = seed.yaml\n")
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=6)
