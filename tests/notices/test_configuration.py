"""The file that says who is told: secrets by their place, and nothing unprotected."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from descope_mcp.notices import configuration
from descope_mcp.notices.configuration import ConfigurationError, Email, Webhook

KEY = base64.b64encode(b"k" * 32).decode()
GOOD = """
[webhook.ops]
url = { env = "OPS_URL" }
key = { env = "OPS_KEY" }

[webhook.chat]
url = { env = "OPS_URL" }
body = "slack"

[email.oncall]
host = "smtp.example.com"
from = "mcp@example.com"
to = ["oncall@example.com"]
user = "mcp"
password = { env = "OPS_PASSWORD" }
names = true
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_URL", "https://hooks.example.com/canary")
    monkeypatch.setenv("OPS_KEY", f"whsec_{KEY}")
    monkeypatch.setenv("OPS_PASSWORD", "canary")


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "notices.toml"
    file.write_text(text)
    return file


def test_what_it_says_with_the_secrets(tmp_path: Path) -> None:
    ops, chat, oncall = configuration.read(written(tmp_path, GOOD))
    assert isinstance(ops, Webhook)
    assert (ops.key, ops.names) == (b"k" * 32, False)
    assert isinstance(chat, Webhook)
    assert (chat.body, chat.key) == ("slack", b"")
    assert isinstance(oncall, Email)
    assert (oncall.port, oncall.tls, oncall.password, oncall.names) == (
        587,
        "starttls",
        "canary",
        True,
    )
    assert "canary" not in repr((ops, chat, oncall))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_saved_with_any_editor(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "notices.toml"
    file.write_bytes(GOOD.replace("\n", "\r\n").encode(encoding))
    assert len(configuration.read(file)) == 3


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('key = { env = "OPS_KEY" }\n', "", "webhook.ops: key: name one"),
        ('{ env = "OPS_KEY" }', '{ env = "OPS_PASSWORD" }', "base64"),
        ('{ env = "OPS_KEY" }', '{ env = "NOT_THERE" }', "NOT_THERE is not set"),
        ('{ env = "OPS_URL" }', '{ env = "OPS_PLAIN" }', "must be https"),
        ('{ env = "OPS_URL" }', '"https://a.example"', "webhook.ops.url"),
        ("[email.oncall]", "[email.ops]", "choose another"),
        ('"smtp.example.com"', '"smtp.example.com"\ntls = "none"', "this machine only"),
        ('user = "mcp"\n', "", "belong together"),
        ('{ env = "OPS_PASSWORD" }', '{ env = "OPS_UMLAUT" }', "other letters than ASCII"),
        ('user = "mcp"\n', 'user = "m\u00fcp"\n', "other letters than ASCII"),
        ('"mcp@example.com"', '"a@b.example\\nBcc: c@d.example"', "email.oncall.from"),
        ("names = true", "name = true", "email.oncall.name"),
        ("[webhook.ops]", "[webhook.ops", "correct the file"),
        ("[webhook.ops]", f"x = {'[' * 20_000}\n[webhook.ops]", "levels deep"),
    ],
)
def test_what_is_wrong_is_named_without_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, said: str
) -> None:
    monkeypatch.setenv("OPS_PLAIN", "http://hooks.example.com/canary")
    monkeypatch.setenv("OPS_UMLAUT", "can\u00e4ry-canary")
    text = GOOD.replace(before, after, 1)
    assert text != GOOD
    with pytest.raises(ConfigurationError) as refused:
        configuration.read(written(tmp_path, text))
    assert said in str(refused.value)
    assert "canary" not in str(refused.value)
    assert KEY not in str(refused.value)
