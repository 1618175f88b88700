"""The keys: is there a worker secret, does it open this database, who else does?"""

from __future__ import annotations

import os
import stat

from ...conf import NAME, get_settings
from ...errors import EpochNotTrusted, JazzAuthError
from ...keys.anchor import can_anchor
from ...keys.index_places import columns_on_their_way
from ...keys.keyring import keyring
from ...keys.models import DataKey, Epoch, IndexRoot, Worker
from ...keys.source import ENV_FILE, ENV_SECRET, key_provider, overruled_sources
from .findings import Checkup


def look_at_keys(checkup: Checkup, using: str) -> None:
    """The worker secret, the epochs, the workers and what is still to be re-wrapped."""
    try:
        worker_id = key_provider().worker_id
    except JazzAuthError as error:
        checkup.error(
            "keys.secret",
            f"{error} [{error.code}]",
            f'Set {ENV_SECRET} or {ENV_FILE} in the environment, or {NAME}["WORKER_SECRET_FILE"].',
        )
        return
    checkup.ok("keys.secret", f"this is worker {worker_id}")
    overruled = overruled_sources()
    if overruled:
        checkup.warn(
            "keys.sources",
            f"overruled, and not read: {', '.join(overruled)}",
            "Leave one of them set, so that nobody takes another one for the secret in use.",
        )
    _look_at_file(checkup)
    epochs = list(Epoch.objects.using(using).order_by("-number"))
    if not epochs:
        checkup.ok("keys.epoch", "no epoch yet: the first write makes it")
        return
    try:
        current = keyring(using).current()
    except JazzAuthError as error:
        checkup.error(
            "keys.epoch",
            f"{error} [{error.code}]",
            "Compare the table jazzauth_epoch with a backup before anything is written. If it is "
            "right: `manage.py jazzauth worker trust`."
            if isinstance(error, EpochNotTrusted)
            else "Start with the secret of a worker of this database, or have one grant it.",
        )
        return
    open_ones = sum(epoch.retired_at is None for epoch in epochs)
    checkup.ok(
        "keys.epoch",
        f"epoch {current.number} is in use; {len(epochs)} in all, {open_ones} not retired",
    )
    if can_anchor(key_provider()):  # otherwise jazzauth.W010 says it
        checkup.ok("keys.anchor", "an anchor of this worker's own says which epoch is genuine")
    workers = Worker.objects.using(using).filter(removed_at=None).order_by("created_at")
    checkup.ok("keys.workers", "workers: " + ", ".join(str(row) for row in workers))
    _look_at_data_keys(checkup, using, epochs[0])
    _look_at_index_keys(checkup, using)


def _look_at_data_keys(checkup: Checkup, using: str, current: Epoch) -> None:
    keys = DataKey.objects.using(using)
    total = keys.count()
    destroyed = keys.exclude(destroyed_at=None).count()
    older = keys.filter(destroyed_at=None).exclude(epoch=current).count()
    checkup.ok(
        "keys.data",
        f"{total:,} data keys: {older:,} still under an older epoch, {destroyed:,} destroyed",
    )


def _look_at_index_keys(checkup: Checkup, using: str) -> None:
    live = IndexRoot.objects.using(using).filter(retired_at=None).order_by("generation")
    numbers = ", ".join(str(row.generation) for row in live)
    found = f"live generations of the index keys: {numbers or 'none'}"
    moving = columns_on_their_way(using)
    if not moving:
        checkup.ok("keys.index", found)
        return
    names = ", ".join(f"{name} ({share:.0%})" for name, share in moving.items())
    checkup.warn(
        "keys.index",
        f"{found}; being re-indexed: {names}",
        "If no `jazzauth reindex` is running, run it again: it finishes what was begun.",
    )


def _look_at_file(checkup: Checkup) -> None:
    path = get_settings().WORKER_SECRET_FILE or os.environ.get(ENV_FILE)
    if not path or not os.path.exists(path):
        return
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        checkup.warn(
            "keys.file",
            f"{path} has mode {mode:04o}: others than its owner can get at it",
            f"Run `chmod 600 {path}`.",
        )
    else:
        checkup.ok("keys.file", f"{path} is readable by its owner only")
