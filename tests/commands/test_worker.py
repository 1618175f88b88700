"""``jazzauth worker`` and ``jazzauth rotate``."""

from __future__ import annotations

import io
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth.keys.anchor import Anchor
from django_jazzauth.keys.card import Card
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import Grant, Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import ENV_SECRET, worker_secret

from ..keys.attacks import attack
from .conftest import Run


def start_as(settings: Any, secret: WorkerSecret) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET": secret.to_text()}


def test_the_secret_is_printed_once_and_opens_the_database(
    jazzauth: Run, ana: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ran = jazzauth("worker", "add", "web-2")
    name, _, text = ran.out.strip().partition("=")
    assert name == ENV_SECRET
    secret = WorkerSecret.from_text(text)
    assert text not in ran.err + caplog.text
    assert secret.worker_id in ran.err
    assert secret.worker_id in jazzauth("worker", "list").out
    start_as(settings, secret)
    ana.refresh_from_db()
    assert ana.name == "Ana Fox"
    assert "(this process)" in jazzauth("worker", "list").out.splitlines()[1]


def test_the_secret_in_a_file_is_for_its_owner_only(
    jazzauth: Run, ana: Any, tmp_path: Path
) -> None:
    path = tmp_path / "worker"
    ran = jazzauth("worker", "add", "web-2", "--file", str(path), "--suite", "x25519")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text().strip()
    assert text not in ran.out + ran.err
    row = Worker.objects.get(name="web-2")
    assert (row.id, row.suite) == (WorkerSecret.from_text(text).worker_id, "x25519")


def test_no_worker_without_its_file(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    path = tmp_path / "worker"
    path.write_text("something else")
    assert "exists" in jazzauth("worker", "add", "web-2", "--file", str(path)).failed
    assert path.read_text() == "something else"
    assert "cannot be made" in jazzauth("worker", "add", "w", "--file", str(path / "x")).failed
    assert Worker.objects.count() == Grant.objects.count() == 1


def test_no_file_without_its_worker(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    path = tmp_path / "worker"
    ran = jazzauth("worker", "add", "first", "--file", str(path))
    assert "[WORKER_ERROR]" in ran.failed
    assert not path.exists()


def test_a_worker_elsewhere_is_added_by_its_card(
    jazzauth: Run, ana: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = worker_secret(), WorkerSecret.generate()
    start_as(settings, other)
    refused = jazzauth("history", "ana@example.org")
    assert other.worker_id in refused.failed and "[WRONG_WORKER_SECRET]" in refused.failed
    card = jazzauth("worker", "card").out
    assert Card.from_text(card).worker_id == other.worker_id
    assert other.to_text() not in card
    start_as(settings, own)
    path = tmp_path / "card"
    path.write_text(card)
    ran = jazzauth("worker", "add", "web-2", "--card", str(path))
    assert other.worker_id in ran.out
    fingerprint = ran.out.split()[-1]
    assert fingerprint == jazzauth("worker", "epoch").out.strip()
    start_as(settings, other)
    refused = jazzauth("history", "ana@example.org").failed
    assert "[NOT_ANCHORED]" in refused and "worker trust" in refused
    assert "[NOT_ANCHORED]" in jazzauth("worker", "epoch").failed
    assert "goes on from epoch 1" in jazzauth("worker", "trust", fingerprint).out
    assert "created" in jazzauth("history", "ana@example.org").out
    Grant.objects.filter(worker_id=own.worker_id).delete()
    monkeypatch.setattr("sys.stdin", io.StringIO(Card.of(own).to_text()))
    granted = jazzauth("worker", "grant", "first", "--card", "-")
    assert not granted.failed and "worker trust" not in granted.out  # it is anchored
    start_as(settings, own)
    assert keyring("default").current().number == 1


def test_an_anchor_that_was_removed_is_made_anew_by_whoever_compares(
    jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = jazzauth("worker", "epoch").out.strip()
    assert "goes on from epoch 1" in jazzauth("worker", "list").out
    Worker.objects.update(anchor=None)
    assert "goes on from no epoch" in jazzauth("worker", "list").out
    keyring("default").forget()
    assert "[NOT_ANCHORED]" in jazzauth("history", "ana@example.org").failed
    refused = jazzauth("worker", "trust", "e_" + "0" * 32).failed
    assert "[WORKER_ERROR]" in refused and "Nothing changed" in refused
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    ran = jazzauth("worker", "trust")
    assert ran.failed == "Nothing changed." and fingerprint in ran.out
    assert Worker.objects.get().anchor is None
    monkeypatch.setattr("builtins.input", lambda prompt: "trust")
    assert fingerprint in jazzauth("worker", "trust").out
    assert "created" in jazzauth("history", "ana@example.org").out


def test_whoever_is_to_trust_another_epoch_is_warned(
    jazzauth: Run, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = jazzauth("worker", "epoch").out.strip()
    monkeypatch.setattr("builtins.input", lambda prompt: "no")
    assert jazzauth("worker", "trust").err == ""
    foreign = attack()
    keyring("default").forget()
    ran = jazzauth("worker", "trust")
    assert ran.failed == "Nothing changed." and Anchor.of(foreign).fingerprint in ran.out
    assert f"does not lead to epoch 1 ({genuine})" in ran.err
    monkeypatch.setattr("builtins.input", lambda prompt: "trust")
    assert "goes on from epoch 2" in jazzauth("worker", "trust").out  # it is the operator's word


def test_a_worker_whose_provider_makes_no_macs_has_nothing_to_trust(
    jazzauth: Run, ana: Any, settings: Any
) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": "tests.keys.unsealing.UnsealOnly"}
    assert "[WORKER_ERROR]" in jazzauth("worker", "trust", "e_" + "0" * 32).failed
    assert "created" in jazzauth("history", "ana@example.org").out


def test_cards_that_are_none(jazzauth: Run, ana: Any, tmp_path: Path) -> None:
    path = tmp_path / "card"
    path.write_bytes(b"\xff\xfe")
    assert "not a text file" in jazzauth("worker", "add", "a", "--card", str(path)).failed
    assert "No such file" in jazzauth("worker", "add", "a", "--card", str(path) + "x").failed
    path.write_text("hello")
    assert "[IMPROPER_CARD]" in jazzauth("worker", "add", "a", "--card", str(path)).failed


def test_removing(jazzauth: Run, ana: Any, settings: Any, monkeypatch: Any) -> None:
    secret = WorkerSecret.from_text(jazzauth("worker", "add", "web-2").out.partition("=")[2])
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "Remove ")
    assert "--force" in jazzauth("worker", "remove", "first").failed
    ran = jazzauth("worker", "remove", "web-2")
    assert len(asked) == 2 and f"is the worker {secret.worker_id}" in ran.out
    assert f"web-2 ({secret.worker_id}) was removed" in ran.out
    assert "Epoch 2 is in use" in ran.out and "jazzauth rewrap" in ran.out
    assert "removed" in jazzauth("worker", "list").out
    assert "last worker" in jazzauth("worker", "remove", "first", "--force").failed
    ana.refresh_from_db()
    start_as(settings, secret)
    ran = jazzauth("history", "ana@example.org")
    assert "was removed from this database" in ran.failed


def test_removing_asks_for_the_one_that_is_meant(jazzauth: Run, ana: Any, monkeypatch: Any) -> None:
    """Whoever writes to the tables can swap the names of two workers."""
    for name in ("web-2", "web-3"):
        assert not jazzauth("worker", "add", name).failed
    ids = dict(Worker.objects.values_list("name", "id"))
    Worker.objects.filter(id=ids["web-2"]).update(name="other")
    Worker.objects.filter(id=ids["web-3"]).update(name="web-2")
    monkeypatch.setattr("builtins.input", lambda prompt: "no")
    ran = jazzauth("worker", "remove", "web-2")
    assert ran.failed == "Nothing changed." and ids["web-3"] in ran.out
    refused = jazzauth("worker", "remove", "web-2", "--no-input").failed
    assert ids["web-3"] in refused and "--no-input give the id" in refused

    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert "Nobody is there" in jazzauth("worker", "remove", "web-2").failed
    assert not Worker.objects.exclude(removed_at=None).exists()
    assert not jazzauth("worker", "remove", ids["web-2"], "--no-input").failed
    assert Worker.objects.get(id=ids["web-2"]).removed_at is not None


def test_rotating_says_who_was_left_out(jazzauth: Run, ana: Any) -> None:
    stranger = WorkerSecret.generate()
    Worker.objects.create(
        id=stranger.worker_id, suite="x25519", public_key=stranger.public_key("x25519")
    )
    ran = jazzauth("rotate")
    assert f"Epoch 2 is in use, granted to {worker_secret().worker_id}." in ran.out
    assert f"worker grant {stranger.worker_id}" in ran.err
    ana.name = "Ana Bear"
    ana.save()
    assert "vouched for the public key" in jazzauth("worker", "grant", stranger.worker_id).failed


@pytest.mark.django_db
def test_before_the_first_user(jazzauth: Run) -> None:
    keyring("default").forget()
    assert "no worker yet" in jazzauth("worker", "list").out
    assert "no keys yet" in jazzauth("rotate").failed


def test_a_worker_that_makes_no_anchors_does_not_vouch(
    jazzauth: Run, ana: Any, settings: Any, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    card.write_text(Card.of(WorkerSecret.generate()).to_text())
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": "tests.keys.unsealing.UnsealOnly"}
    refused = jazzauth("worker", "epoch")
    assert "[NOT_ANCHORED]" in refused.failed and "e_" not in refused.out
    added = jazzauth("worker", "add", "web-2", "--card", str(card))
    assert "worker trust FINGERPRINT" in added.out and "has no `mac`" in added.err
