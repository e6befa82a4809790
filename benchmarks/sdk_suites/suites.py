"""The suites, run from checkouts by their own tools, with what they would have sent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_CAPTURE = Path(__file__).parent / "capture"
_MINUTES = 20
#: What the suites may see of this environment: no settings or keys of whoever runs them.
_PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "SystemRoot")


class NotReady(Exception):
    """A checkout in which its suite cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that a test would have sent.

    Attributes:
        test: the test's id in its suite.
        method: in capitals.
        target: path and query.
        authorization: the header, with what the test takes for credentials.
        body: JSON, or nothing.
    """

    test: str
    method: str
    target: str
    authorization: str
    body: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A suite that was run.

    Attributes:
        version: of the package that the checkout makes.
        commit: of the checkout.
        passed: names of the tests that passed.
        failed: names of those that failed, each with what they said in one line.
        sent: the requests that mocks answered, in order.
    """

    version: str
    commit: str
    passed: tuple[str, ...]
    failed: Mapping[str, str]
    sent: tuple[Sent, ...] = ()


def python_units(checkout: Path) -> Ran:
    """The unit tests of the Python SDK, whose mocks stand in for httpx."""
    return _python(checkout, ["-p", "sdk_capture", "tests", "--ignore=tests/e2e"], {}, capture=True)


def python_end_to_end(checkout: Path, settings: Mapping[str, str]) -> Ran:
    """Its tests against a real service, which is the one that `settings` name."""
    given = {**settings, "DESCOPE_BASE_URI": settings["DESCOPE_BASE_URL"], "GITHUB_ACTIONS": "true"}
    return _python(checkout, ["tests/e2e"], given, capture=False)


def node(checkout: Path) -> Ran:
    """The tests of the Node SDK, which cover its management half."""
    client = checkout / "node_modules" / "@descope" / "core-js-sdk"
    return _jest(checkout, checkout / "lib" / "management" / "testutils.ts", client, "key")


def core(checkout: Path) -> Ran:
    """The tests of the core SDK: the sign-in half of the Node SDK, and of those in browsers."""
    folder = checkout / "packages" / "sdks" / "core-js-sdk"
    return _jest(folder, folder / "test" / "utils.ts", folder / "src" / "httpClient", "")


def _python(
    checkout: Path, options: Sequence[str], environment: Mapping[str, str], *, capture: bool
) -> Ran:
    python = checkout / ".venv" / "bin" / "python"
    if not python.exists():
        raise NotReady(
            f"{checkout} has no .venv: make one, and install the package and the dependency "
            "group `tests` of its pyproject.toml into it, with Flask"
        )
    project = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"', project, re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        report, lines = Path(folder, "report.xml"), Path(folder, "sent.jsonl")
        given = {**environment, "SDK_CAPTURE": str(lines)} if capture else environment
        _run(
            [python, "-m", "pytest", "-q", *options, f"--junitxml={report}"],
            checkout,
            {**given, "PYTHONPATH": str(_CAPTURE)},
            report,
        )
        passed, failed = _of_junit(report)
        sent = _captured(lines, checkout)
    return Ran(version[1] if version else "?", _commit(checkout), passed, failed, sent)


def _jest(folder: Path, mocks: Path, client: Path, token: str) -> Ran:
    if not (folder / "node_modules" / "jest").exists():
        raise NotReady(f"{folder} has no node_modules: run npm install --ignore-scripts in it")
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        report, lines = Path(temporary, "report.json"), Path(temporary, "sent.jsonl")
        setup = _CAPTURE / "jest_capture.cjs"
        _run(
            [
                *("npx", "--no-install", "jest", "--ci", "--coverage=false", "--forceExit"),
                *("--setupFilesAfterEnv", setup, "--json", "--outputFile", report),
            ],
            folder,
            {
                "SDK_CAPTURE": str(lines),
                "SDK_MOCK": str(mocks),
                "SDK_CLIENT": str(client),
                "SDK_TOKEN": token,
            },
            report,
        )
        passed, failed = _of_jest(json.loads(report.read_text(encoding="utf-8")), folder)
        sent = _captured(lines, folder)
    return Ran(package["version"], _commit(folder), passed, failed, sent)


def _run(
    command: Sequence[object], folder: Path, environment: Mapping[str, str], report: Path
) -> None:
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=_MINUTES * 60,
    )
    if not report.exists():
        raise NotReady(f"the suite in {folder} did not run:\n{done.stdout}{done.stderr}"[-3000:])


def _commit(folder: Path) -> str:
    command = ["git", "-C", str(folder), "log", "-1", "--format=%h %cs"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no commit"


def _captured(lines: Path, root: Path) -> tuple[Sent, ...]:
    if not lines.exists():
        return ()
    parsed: list[dict[str, str]] = [json.loads(line) for line in lines.read_text().splitlines()]
    return tuple(Sent(**{**line, "test": line["test"].removeprefix(f"{root}/")}) for line in parsed)


def _of_junit(report: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    passed, failed = list[str](), dict[str, str]()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        wrong = case.find("failure")
        wrong = case.find("error") if wrong is None else wrong
        if wrong is not None:
            failed[name] = str(wrong.get("message")).splitlines()[0]
        elif case.find("skipped") is None:
            passed.append(name)
    return tuple(passed), failed


def _of_jest(report: Any, root: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    passed, failed = list[str](), dict[str, str]()
    for file in report["testResults"]:
        for case in file["assertionResults"]:
            name = f"{file['name'].removeprefix(f'{root}/')}::{case['fullName']}"
            if case["status"] == "passed":
                passed.append(name)
            elif case["status"] == "failed":
                failed[name] = case["failureMessages"][0].splitlines()[0]
    return tuple(passed), failed
