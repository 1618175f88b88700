"""The subcommands of ``manage.py jazzauth``, one module each."""

from __future__ import annotations

from . import (
    as_of,
    check_proof,
    checkpoint,
    compact,
    doctor,
    history,
    init,
    prove,
    rebuild,
    restore,
    rewrap,
    rotate,
    shred,
    signing_keys,
    verify,
    worker,
)
from .base import Subcommand

SUBCOMMANDS: dict[str, Subcommand] = {
    "init": init.Init(),
    "doctor": doctor.Doctor(),
    "worker": worker.Worker(),
    "rotate": rotate.Rotate(),
    "rewrap": rewrap.Rewrap(),
    "retire": rewrap.Retire(),
    "verify": verify.Verify(),
    "checkpoint": checkpoint.Checkpoint(),
    "prove": prove.Prove(),
    "check-proof": check_proof.CheckProof(),
    "compact": compact.Compact(),
    "rebuild": rebuild.Rebuild(),
    "history": history.History(),
    "as-of": as_of.AsOf(),
    "restore": restore.Restore(),
    "export": shred.Export(),
    "shred": shred.Shred(),
    "signing-keys": signing_keys.SigningKeys(),
}
"""By the name that is typed."""

__all__ = ["SUBCOMMANDS", "Subcommand"]
