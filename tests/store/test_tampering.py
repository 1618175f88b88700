"""Whatever SQL can change is reported: a few samples of what ``tests.soak.tamper`` does."""

from __future__ import annotations

import pytest

from django_jazzauth.keys.keyring import keyring
from tests.soak.tamper import run

pytestmark = pytest.mark.django_db


def test_whatever_is_changed_is_reported() -> None:
    try:
        outcome = run(people=6, samples=3, seed=7, bytes_each=3)
    finally:
        keyring("default").forget()
    assert outcome["made"] > 200
    assert outcome["missed"] == []
    # A head of an earlier version is genuine and stands in its own row: reading it asks no log.
    assert set(outcome["loaded"]) <= {"old head put back"}
    assert set(outcome["need_a_checkpoint"]) <= {
        "event.position",
        "event.txid",
        "stream and row deleted",
    }
