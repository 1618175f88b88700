from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.store.reindex import reindex

from .reindexing import Killed, columns, generations, populate, stop_after


@pytest.fixture
def half_way(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """A database of which some columns stand between two generations."""
    populate()
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            reindex(columns=columns("patient.email", "patient.email:folded"), wait=0, batch=1)
    keyring("default").forget()
    assert generations("testapp_patient", "email") == {1, 2}
    yield
    keyring("default").forget()
