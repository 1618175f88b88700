"""The subcommands of ``manage.py jazzauth``, one module each."""

from __future__ import annotations

from . import as_of, doctor, history, init, rebuild, restore, signing_keys, verify
from .base import Subcommand

SUBCOMMANDS: dict[str, Subcommand] = {
    "init": init.Init(),
    "doctor": doctor.Doctor(),
    "verify": verify.Verify(),
    "rebuild": rebuild.Rebuild(),
    "history": history.History(),
    "as-of": as_of.AsOf(),
    "restore": restore.Restore(),
    "signing-keys": signing_keys.SigningKeys(),
}
"""By the name that is typed."""

__all__ = ["SUBCOMMANDS", "Subcommand"]
