"""Opening a golden database with this release: an upgrade, and all that must still hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command


def open_copy(folder: Path, copy: Path) -> list[str]:
    """Migrate a copy of a golden database and look at all of it.

    Args:
        folder: of the release that wrote it.
        copy: of its database file.

    Returns:
        What is wrong.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.golden.settings"
    os.environ["JAZZAUTH_GOLDEN_FILE"] = str(copy)
    os.environ["JAZZAUTH_GOLDEN_SECRET"] = (folder / "worker.secret").read_text().strip()
    django.setup()
    wrong: list[str] = []
    call_command("migrate", verbosity=0)
    wrong += _verified("after migrate", folder)
    wrong += _as_expected("after migrate", folder)
    wrong += _rebuilt()
    wrong += _verified("after a rebuild", folder)
    wrong += _as_expected("after a rebuild", folder)
    wrong += _ended()
    wrong += _goes_on(folder)
    return wrong


def _verified(when: str, folder: Path) -> list[str]:
    from django_jazzauth.store import store

    report = store.verify(checkpoints=[(folder / "checkpoint.txt").read_text()])
    wrong = [f"{when}: {problem}" for problem in report.problems]
    return wrong if report.checkpoints >= 2 else [*wrong, f"{when}: a checkpoint was not checked"]


def _as_expected(when: str, folder: Path) -> list[str]:
    from .described import described, differences

    expected = json.loads((folder / "expected.json").read_text())
    return [f"{when}: {each}" for each in differences(expected, described())]


def _rebuilt() -> list[str]:
    from django_jazzauth.store import store
    from django_jazzauth.store.rewrap import rewrap
    from tests.soak.rows import tables

    # Heads are the same bytes only under the same epoch.
    left = rewrap("default").left
    before = tables()
    store.rebuild()
    after = tables()
    wrong = [
        f"{name}: a rebuild makes other rows" for name in before if before[name] != after[name]
    ]
    return [*wrong, f"rewrap leaves {left}"] if left.total else wrong


def _ended() -> list[str]:
    """Those who were shredded, compacted or removed are still so."""
    from django.contrib.auth import get_user_model

    from django_jazzauth.errors import KeyDestroyed, PayloadCompacted
    from django_jazzauth.keys.workers import list_workers
    from django_jazzauth.store import store

    from .app.models import Specimen
    from .making import key

    wrong = []
    refusals: tuple[tuple[Any, str, Any], ...] = (
        (get_user_model(), "cy", KeyDestroyed),
        (Specimen, "bo-1", PayloadCompacted),
    )
    for model, name, error in refusals:
        try:
            store.restore(model, key(name))
        except error:
            continue
        wrong.append(f"{name} could be restored")
    if [worker.removed_at is None for worker in list_workers("default")].count(True) != 1:
        wrong.append("the worker that was removed is back")
    return wrong


def _goes_on(folder: Path) -> list[str]:
    """Signing in, searching, writing, restoring, and a checkpoint over it all."""
    from django.contrib.auth import authenticate, get_user_model

    from django_jazzauth.store import store
    from django_jazzauth.store.checkpoints import take

    from .app.models import Specimen
    from .making import key

    wrong = []
    if authenticate(username="ana", password="correct horse") is None:
        wrong.append("ana cannot sign in with her password")
    found = {
        "unique": Specimen.objects.filter(number="ana-0"),
        "without regard to case": Specimen.objects.filter(email__iexact="ANA.0@example.ORG"),
        "part of a name": get_user_model().objects.filter(name__icontains="na gol"),
    }
    wrong += [f"search fails: {what}" for what, rows in found.items() if rows.count() != 1]
    specimen = Specimen.objects.get(number="ana-0")
    specimen.first = "New"
    specimen.save()
    store.restore(get_user_model(), key("dee"))
    if Specimen.objects.filter(owner=key("dee")).count() != 3:
        wrong.append("dee comes back without her specimens")
    take()
    return wrong + _verified("in the end", folder)


def removed_worker_is_refused(folder: Path, copy: Path) -> list[str]:
    """The secret of the worker that was removed opens nothing that was written since."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.golden.settings"
    os.environ["JAZZAUTH_GOLDEN_FILE"] = str(copy)
    os.environ["JAZZAUTH_GOLDEN_SECRET"] = (folder / "removed-worker.secret").read_text().strip()
    django.setup()
    from django_jazzauth.errors import JazzAuthError

    from .app.models import Specimen

    try:
        Specimen.objects.get(number="last")
    except JazzAuthError:
        return []
    return ["a removed worker reads on"]
