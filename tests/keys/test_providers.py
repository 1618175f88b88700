"""Other holders of the private key: environment, file, and a Vault that is asked over HTTP."""

import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.checks import run_checks
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_jazzauth.crypto.hpke import SUITES
from django_jazzauth.errors import (
    ImproperSecret,
    ImproperSettings,
    KeyProviderFailed,
    WrongWorkerSecret,
)
from django_jazzauth.keys import vault
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.providers import EnvKeyProvider, FileKeyProvider, VaultTransitKeyProvider
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import ENV_FILE, ENV_SECRET, key_provider, worker_secret
from django_jazzauth.keys.workers import add_worker

MODULE = "django_jazzauth.keys.providers."
SECRET = WorkerSecret.generate()
TOKEN = "hvs.a-token-that-no-error-may-show"


class Vault:
    """Vault's transit engine as far as it is needed: it wraps, and unwraps for who has the token.

    ``script`` holds what it answers before it begins to work: a status, raw bytes, or None for a
    connection that is cut.
    """

    def __init__(self):
        self.key = AESGCM(AESGCM.generate_key(256))
        self.script, self.seen = [], []
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                vault.seen.append((self.path, dict(self.headers), body))
                if vault.script:
                    scripted = vault.script.pop(0)
                    if scripted is None:
                        self.connection.close()
                        return
                    if isinstance(scripted, int):
                        self.answer(scripted, b'{"errors": ["' + body["ciphertext"].encode())
                    else:
                        self.answer(200, scripted)
                elif self.headers["x-vault-token"] != TOKEN:
                    self.answer(403, b'{"errors": ["permission denied"]}')
                else:
                    plain = base64.b64encode(vault.unwrap(body["ciphertext"])).decode()
                    self.answer(200, json.dumps({"data": {"plaintext": plain}}).encode())

            def answer(self, status, body):
                self.send_response(status)
                if status in (301, 307):
                    self.send_header("location", vault.url + "/elsewhere")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None  # who does not wait, hangs up
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def wrap(self, plain):
        nonce = os.urandom(12)
        sealed = nonce + self.key.encrypt(nonce, plain, None)
        return "vault:v1:" + base64.b64encode(sealed).decode()

    def unwrap(self, text):
        raw = base64.b64decode(text.removeprefix("vault:v1:"))
        return self.key.decrypt(raw[:12], raw[12:], None)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setattr(vault, "_PAUSES", (0.01, 0.01))
    made = Vault()
    yield made
    made.close()


@pytest.fixture
def options(server):
    return {
        "url": server.url,
        "key": "jazzauth",
        "ciphertext": server.wrap(SECRET.to_text().encode()),
        "timeout": 2.0,
    }


def through(path, options=None):
    """Settings in which a provider stands for the worker."""
    return override_settings(JAZZAUTH={"KEY_PROVIDER": path, "KEY_PROVIDER_OPTIONS": options or {}})


# -- environment and file -------------------------------------------------------------------------


@pytest.fixture
def added(ring):
    """A database that ``SECRET`` was granted."""
    handle = ring.data_key("user/1")
    add_worker("default", "provided", Card.of(SECRET), "x25519", SECRET)
    return handle


def opens(handle):
    return keyring("default").data_key("user/1").id == handle.id


def test_without_a_provider_the_worker_secret_is_it():
    assert key_provider() is worker_secret()


def test_the_environment(added, monkeypatch):
    monkeypatch.setenv("ANOTHER_NAME", SECRET.to_text())
    with through(MODULE + "EnvKeyProvider", {"variable": "ANOTHER_NAME"}):
        assert opens(added)
    monkeypatch.setenv(ENV_SECRET, SECRET.to_text())
    with through(MODULE + "EnvKeyProvider"):
        assert opens(added)


def test_a_file(added, monkeypatch, tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET.to_text() + "\n")
    with through(MODULE + "FileKeyProvider", {"path": path}):
        assert opens(added)
    monkeypatch.setenv(ENV_FILE, str(path))
    with through(MODULE + "FileKeyProvider"):
        assert opens(added)


def test_what_is_missing_or_mistyped(monkeypatch, tmp_path):
    monkeypatch.delenv(ENV_SECRET, raising=False)
    monkeypatch.delenv(ENV_FILE, raising=False)
    with pytest.raises(ImproperSettings, match=ENV_SECRET):
        EnvKeyProvider()
    with pytest.raises(ImproperSettings, match=ENV_FILE):
        FileKeyProvider()
    with pytest.raises(ImproperSettings, match="No such file"):
        FileKeyProvider(path=tmp_path / "none")
    monkeypatch.setenv(ENV_SECRET, SECRET.to_text()[:-1])
    with pytest.raises(ImproperSecret, match="55 characters") as caught:
        EnvKeyProvider()
    assert SECRET.to_text()[20:-1] not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("nowhere.Provider", {}, "nowhere"),
        (MODULE + "NoProvider", {}, "NoProvider"),
        (MODULE + "EnvKeyProvider", {"secret": "the-value"}, "'secret'"),
        (MODULE + "VaultTransitKeyProvider", {"url": "https://v"}, "'key'"),
        (MODULE + "VaultTransitKeyProvider", {"url": "v", "key": "k"}, "https://"),
        (MODULE + "VaultTransitKeyProvider", {"url": "http://v:8200", "key": "k"}, "https://"),
        (MODULE + "VaultTransitKeyProvider", {"url": "http://192.0.2.1", "key": "k"}, "https://"),
        (MODULE + "VaultTransitKeyProvider", {"url": "https://v", "key": "k"}, "ciphertext"),
    ],
)
def test_wrong_settings_say_what_is_wrong_and_no_value(path, options, said):
    with through(path, options):
        with pytest.raises(ImproperSettings, match=said) as caught:
            key_provider()
        assert "the-value" not in str(caught.value)
        assert "jazzauth.E002" in {message.id for message in run_checks(tags=["jazzauth"])}


# -- Vault ----------------------------------------------------------------------------------------


def test_vault_unwraps_what_opens_the_database(added, server, options):
    with through(MODULE + "VaultTransitKeyProvider", options):
        assert opens(added)
        assert key_provider().worker_id == SECRET.worker_id
    path, headers, body = server.seen[0]
    assert path == "/v1/transit/decrypt/jazzauth"
    assert headers["X-Vault-Token"] == TOKEN
    assert body == {"ciphertext": options["ciphertext"]}


def test_public_keys_are_asked_for_once(server, options):
    provider = VaultTransitKeyProvider(**options)
    assert Card.of(provider) == Card.of(SECRET)
    assert {suite: provider.public_key(suite) for suite in SUITES}
    assert len(server.seen) == 1


def test_files_mount_and_namespace(server, options, tmp_path, monkeypatch):
    monkeypatch.delenv("VAULT_TOKEN")
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "wrapped").write_text(options.pop("ciphertext") + "\n")
    files = {"token_file": tmp_path / "token", "ciphertext_file": tmp_path / "wrapped"}
    provider = VaultTransitKeyProvider(**options, **files, mount="team/transit", namespace="ns")
    assert provider.worker_id == SECRET.worker_id
    path, headers, _ = server.seen[0]
    assert path == "/v1/team/transit/decrypt/jazzauth"
    assert headers["X-Vault-Namespace"] == "ns"
    (tmp_path / "token").unlink()
    with pytest.raises(ImproperSettings, match="token_file"):
        assert VaultTransitKeyProvider(**options, **files).worker_id


def test_the_environment_sends_it_nowhere_else(server, options, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert VaultTransitKeyProvider(**options).worker_id == SECRET.worker_id
    assert all("authorization" not in {k.lower() for k in headers} for _, headers, _ in server.seen)


@pytest.mark.parametrize("url", ["http://localhost:8200", "http://[::1]:8200", "http://127.0.0.2"])
def test_an_agent_on_this_machine_needs_no_certificate(options, url):
    assert "VaultTransit" in repr(VaultTransitKeyProvider(**{**options, "url": url}))


def test_a_short_trouble_is_ridden_out(server, options):
    server.script = [503, None]
    assert VaultTransitKeyProvider(**options).worker_id == SECRET.worker_id
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("script", "said", "asked"),
    [
        ([503, 503, 503], "status 503", 3),
        ([None, None, None], "cannot be asked: ConnectionError", 3),
        ([400], "status 400", 1),
        ([307], "status 307", 1),
        ([b"<html>"], "no JSON", 1),
        ([b"[]"], "no plaintext", 1),
        ([b"[" * 60000], "no JSON", 1),
        ([b'{"data": {"plaintext": "!"}}'], "no plaintext", 1),
        ([b'{"data": {"plaintext": "aGVsbG8="}}'], "no worker secret", 1),
        ([b" " * 70000], "too long", 1),
    ],
)
def test_what_goes_wrong_has_a_code_and_quotes_nothing(server, options, script, said, asked):
    server.script = script
    with pytest.raises(KeyProviderFailed, match=said) as caught:
        assert VaultTransitKeyProvider(**options).worker_id
    assert len(server.seen) == asked
    assert caught.value.code == "KEY_PROVIDER_FAILED"
    report = ExceptionReporter(None, type(caught.value), caught.value, caught.value.__traceback__)
    for text in (str(caught.value), report.get_traceback_text()):
        assert TOKEN not in text and SECRET.to_text() not in text
        assert options["ciphertext"] not in text


def test_a_refused_token_and_a_silent_server(server, options, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "hvs.another")
    with pytest.raises(KeyProviderFailed, match="status 403"):
        assert VaultTransitKeyProvider(**options).worker_id
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(ImproperSettings, match="VAULT_TOKEN"):
        assert VaultTransitKeyProvider(**options).worker_id
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    options["url"] = "http://127.0.0.1:9"  # nobody listens there
    with pytest.raises(KeyProviderFailed, match="cannot be asked: ConnectionError"):
        assert VaultTransitKeyProvider(**options).worker_id


def test_a_silent_server_is_not_waited_for(server, options, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(server, "unwrap", lambda text: release.wait(20) and b"")
    options["timeout"] = 0.1
    try:
        with pytest.raises(KeyProviderFailed, match="ReadTimeout"):
            assert VaultTransitKeyProvider(**options).worker_id
    finally:
        release.set()


def test_a_worker_that_vault_unwraps_but_the_database_does_not_know(ring, server, options):
    ring.current()
    with (
        through(MODULE + "VaultTransitKeyProvider", options),
        pytest.raises(WrongWorkerSecret, match=SECRET.worker_id),
    ):
        keyring("default").current()


def test_it_shows_nothing(options):
    assert repr(VaultTransitKeyProvider(**options)).startswith("<VaultTransitKeyProvider 127")
