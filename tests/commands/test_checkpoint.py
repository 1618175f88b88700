"""``jazzauth checkpoint``, ``prove`` and ``check-proof``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_jazzauth.crypto.notes import VerifierKey, verified_checkpoint
from django_jazzauth.management.subcommands import checkpoint as module
from django_jazzauth.store.models import Event

from .conftest import Run, sql

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def receiver() -> Iterator[Any]:
    """A server that keeps what is posted to it."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/full":
                self.send_error(507)
                return
            taken.append(body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_to_standard_output(jazzauth: Run, ana: Any) -> None:
    key = VerifierKey.from_text(jazzauth("checkpoint", "--key").out)
    ran = jazzauth("checkpoint")
    assert verified_checkpoint(ran.out, [key]).size == 2
    assert ran.err == ""


def test_to_a_file_and_a_server(
    jazzauth: Run, ana: Any, tmp_path: Path, receiver: tuple[str, list[str]]
) -> None:
    url, taken = receiver
    file = tmp_path / "checkpoint"
    ran = jazzauth("checkpoint", "--output", str(file), "--post", url)
    assert ran.out == f"2 events, 2 of them new: {file} and posted.\n"
    assert taken == [file.read_text()]
    assert list(tmp_path.iterdir()) == [file]
    ana.name = "x"
    ana.save()
    assert "3 events, 1 of them new" in jazzauth("checkpoint", "--output", str(file)).out
    assert "\n3\n" in file.read_text()


def test_where_the_settings_say(
    jazzauth: Run, ana: Any, tmp_path: Path, settings: Any, receiver: tuple[str, list[str]]
) -> None:
    url, taken = receiver
    file = tmp_path / "checkpoint"
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "CHECKPOINT": {"FILE": file, "URL": url, "ORIGIN": "example.org/accounts"},
    }
    assert not jazzauth("checkpoint").failed
    assert file.read_text().startswith("example.org/accounts\n2\n")
    assert taken == [file.read_text()]
    assert jazzauth("checkpoint", "--output", "-").out == file.read_text()


@pytest.mark.parametrize("arguments", [("--output", "/nonexistent/file")])
def test_a_file_that_cannot_be_written(jazzauth: Run, ana: Any, arguments: Any) -> None:
    ran = jazzauth("checkpoint", *arguments)
    assert "cannot be written" in ran.failed


def test_a_server_that_does_not_take_it(
    jazzauth: Run, ana: Any, receiver: tuple[str, list[str]]
) -> None:
    url, _ = receiver
    assert "answers 507" in jazzauth("checkpoint", "--post", f"{url}/full").failed
    ran = jazzauth("checkpoint", "--post", "http://user:hunter2@127.0.0.1:1/")
    assert "not posted" in ran.failed
    assert "hunter2" not in ran.failed


def test_a_newer_checkpoint_is_not_replaced(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    assert not jazzauth("checkpoint", "--output", str(file)).failed
    kept = file.read_text()
    sql("DELETE FROM jazzauth_checkpoint")
    ran = jazzauth("checkpoint", "--output", str(file))
    assert "[ROLLED_BACK]" in ran.failed
    assert file.read_text() == kept
    file.write_text("something else")
    assert "[NOTE]" in jazzauth("checkpoint", "--output", str(file)).failed


def test_watching_needs_an_interval(jazzauth: Run, ana: Any) -> None:
    assert "INTERVAL" in jazzauth("checkpoint", "--watch").failed


def test_watching_goes_on_after_a_failure(
    jazzauth: Run, ana: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "CHECKPOINT": {"INTERVAL": 3600}}
    file = tmp_path / "later" / "checkpoint"

    class Event:
        rounds = 0

        def is_set(self) -> bool:
            return Event.rounds == 2

        def set(self) -> None:
            raise AssertionError

        def wait(self, seconds: int) -> None:
            assert seconds == 3600
            Event.rounds += 1
            file.parent.mkdir(exist_ok=True)

    monkeypatch.setattr(module.threading, "Event", Event)
    monkeypatch.setattr(module, "close_old_connections", lambda: None)
    ran = jazzauth("checkpoint", "--watch", "--output", str(file))
    assert "cannot be written" in ran.err
    assert "\n2\n" in file.read_text()


def check_proof(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process without a worker secret and with a database that is not there."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("JAZZAUTH")}
    return subprocess.run(
        [sys.executable, "-m", "django", "jazzauth", "--no-color", "check-proof", *arguments],
        env={**env, "DJANGO_SETTINGS_MODULE": "tests.commands.bare_settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def check_proof_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Without a Django project."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    return subprocess.run(
        [sys.executable, "-m", "django_jazzauth.crypto.check_proof", *arguments],
        env={**env, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_third_party_checks_a_proof(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    for n in range(9):
        get_user_model().objects.create(username=f"user{n}")
    checkpoint, proof = tmp_path / "checkpoint", tmp_path / "proof"
    jazzauth("checkpoint", "--output", str(checkpoint))
    key = jazzauth("checkpoint", "--key").out.strip()
    get_user_model().objects.create(username="later")
    jazzauth("checkpoint")
    event = f"user/{ana.pk}@2"
    ran = jazzauth("prove", event, "--checkpoint", str(checkpoint))
    assert not ran.failed
    assert "ana" not in ran.out.lower().replace(str(ana.pk), "").split("extra")[0]
    proof.write_text(ran.out)

    done = check_proof(str(proof), "--checkpoint", str(checkpoint), "--key", key)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{event} (updated) is leaf 1 of the 11 events" in done.stdout
    assert "is signed by" in done.stdout
    alone = check_proof_alone(tmp_path, str(proof), "--checkpoint", str(checkpoint), "--key", key)
    assert (alone.returncode, alone.stderr, alone.stdout) == (0, "", done.stdout)
    done = check_proof(str(proof), "--checkpoint", str(checkpoint))
    assert done.returncode == 0
    assert "was not checked" in done.stdout
    assert "give --checkpoint or --key" in check_proof(str(proof)).stdout

    newest = jazzauth("prove", event).out
    proof.write_text(newest)
    done = check_proof(str(proof), "--checkpoint", str(checkpoint))
    assert done.returncode == 1
    assert "made for a checkpoint of 12" in done.stderr
    assert check_proof(str(proof), "--key", key).returncode == 0

    lines = newest.split("\n")
    lines[3] = "A" * 43 + "="
    proof.write_text("\n".join(lines))
    done = check_proof(str(proof))
    assert done.returncode == 1
    assert "[PROOF]" in done.stderr
    proof.write_text(newest.replace("\n12\n", "\n13\n"))
    assert "[NOTE]" in check_proof(str(proof), "--key", key).stderr
    alone = check_proof_alone(tmp_path, str(proof), "--key", key)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert "[NOTE]" in alone.stderr
    assert "cannot be read" in check_proof_alone(tmp_path, "missing").stderr
    proof.write_bytes(b"\xff")
    assert "no text" in check_proof_alone(tmp_path, str(proof)).stderr


def test_what_cannot_be_proved(jazzauth: Run, ana: Any) -> None:
    event = f"user/{ana.pk}@2"
    assert "no checkpoint yet" in jazzauth("prove", event).failed
    jazzauth("checkpoint")
    ana.name = "later"
    ana.save()
    assert "after the checkpoint of 2 events" in jazzauth("prove", f"user/{ana.pk}@3").failed
    assert "[NEVER_EXISTED]" in jazzauth("prove", f"user/{ana.pk}@4").failed
    assert "is no event" in jazzauth("prove", "user").failed
    sql("DELETE FROM jazzauth_event WHERE version = 1")
    assert "missing or was changed" in jazzauth("prove", event).failed


def test_a_proof_of_a_changed_event_is_not_handed_out(jazzauth: Run, ana: Any) -> None:
    jazzauth("checkpoint")
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 1 WHERE version = 2")
    assert "[PROOF]" in jazzauth("prove", f"user/{ana.pk}@2").failed
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_rotation_takes_the_signing_key_along(jazzauth: Run, ana: Any) -> None:
    key = VerifierKey.from_text(jazzauth("checkpoint", "--key").out)
    before = jazzauth("checkpoint").out
    for arguments in (("rotate",), ("rewrap",), ("retire", "1")):
        ran = jazzauth(*arguments)
        assert not ran.failed, ran.failed
    ana.name = "later"
    ana.save()
    after = jazzauth("checkpoint").out
    assert verified_checkpoint(before, [key]).size == 2
    assert verified_checkpoint(after, [key]).size == 3
    ran = jazzauth("verify")
    assert not ran.failed, ran.out
    assert "3 events compared with 2 checkpoints" in ran.out
