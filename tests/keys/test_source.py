import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_jazzauth.errors import ImproperSecret, ImproperSettings
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import ENV_FILE, ENV_SECRET, worker_secret

FIRST, SECOND, THIRD, FOURTH = (WorkerSecret.generate() for _ in range(4))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv(ENV_SECRET, raising=False)
    monkeypatch.delenv(ENV_FILE, raising=False)


@pytest.fixture
def file(tmp_path):
    def write(secret, name="secret.txt"):
        path = tmp_path / name
        path.write_text(secret.to_text() + "\n")
        return path

    return write


def found(**jazzauth):
    with override_settings(JAZZAUTH=jazzauth):
        return worker_secret()


def test_the_order_of_the_sources(file, monkeypatch):
    monkeypatch.setenv(ENV_FILE, str(file(FOURTH, "env.txt")))
    assert found() == FOURTH
    monkeypatch.setenv(ENV_SECRET, THIRD.to_text())
    assert found() == THIRD
    assert found(WORKER_SECRET_FILE=file(SECOND)) == SECOND
    assert found(WORKER_SECRET_FILE=str(file(SECOND)), WORKER_SECRET=FIRST.to_text()) == FIRST


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_is_not_set(empty, monkeypatch):
    monkeypatch.setenv(ENV_SECRET, FIRST.to_text())
    assert found(WORKER_SECRET=empty, WORKER_SECRET_FILE=empty) == FIRST


def test_none_is_ever_made_up():
    with pytest.raises(ImproperSettings, match="jazzauth init") as caught:
        found()
    assert isinstance(caught.value, ImproperlyConfigured)
    assert caught.value.code == "IMPROPER_SETTINGS"


def test_it_is_read_once_and_again_when_the_settings_change(file):
    path = file(FIRST)
    with override_settings(JAZZAUTH={"WORKER_SECRET_FILE": path}):
        first = worker_secret()
        path.unlink()
        assert worker_secret() is first
    assert found(WORKER_SECRET=SECOND.to_text()) == SECOND


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "nowhere.txt"
    with pytest.raises(ImproperSettings, match="No such file") as caught:
        found(WORKER_SECRET_FILE=path)
    assert str(path) in str(caught.value) and 'JAZZAUTH["WORKER_SECRET_FILE"]' in str(caught.value)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(ImproperSettings, match="cannot be read"):
        found(WORKER_SECRET_FILE=tmp_path)


def test_a_binary_file_is_named(tmp_path):
    path = tmp_path / "secret.bin"
    path.write_bytes(os.urandom(16) + b"\xff")
    with pytest.raises(ImproperSecret, match="not a text file"):
        found(WORKER_SECRET_FILE=path)


def test_a_large_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text("x" * 100_000)
    with pytest.raises(ImproperSecret, match="begins with"):
        found(WORKER_SECRET_FILE=path)


def test_a_typo_is_placed_without_being_shown(file, monkeypatch):
    typo = FIRST.to_text()[:-1]
    monkeypatch.setenv(ENV_SECRET, typo)
    with pytest.raises(ImproperSecret, match=f"environment variable {ENV_SECRET}: .* 55") as caught:
        found()
    assert typo[20:30] not in str(caught.value)
    path = file(FIRST)
    path.write_text(typo)
    with pytest.raises(ImproperSecret, match=r"\(file .*secret.txt\): .* 55"):
        found(WORKER_SECRET_FILE=path)


def test_error_reports_show_no_secret(monkeypatch):
    """Django's error mails list the variables of every frame."""
    typo = FIRST.to_text()[:-1]
    monkeypatch.setenv(ENV_SECRET, SECOND.to_text())
    for jazzauth in ({"WORKER_SECRET": typo}, {"WORKER_SECRET": typo, "NO_SUCH_KEY": 1}):
        with override_settings(JAZZAUTH=jazzauth, DEBUG=False):
            with pytest.raises((ImproperSecret, ImproperSettings)) as caught:
                worker_secret()
            reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb)
        frames = {
            frame["filename"]: str(frame["vars"])
            for frame in reporter.get_traceback_data()["frames"]
        }
        package = {name: text for name, text in frames.items() if "/django_jazzauth/" in name}
        assert package and not any(typo[20:40] in text for text in package.values())
