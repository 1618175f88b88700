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
    partition,
    prove,
    rebuild,
    reindex,
    relay,
    restore,
    rewrap,
    rotate,
    shred,
    signing_keys,
    trigrams,
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
    "reindex": reindex.Reindex(),
    "verify": verify.Verify(),
    "checkpoint": checkpoint.Checkpoint(),
    "prove": prove.Prove(),
    "check-proof": check_proof.CheckProof(),
    "compact": compact.Compact(),
    "partition": partition.Partition(),
    "relay": relay.Relay(),
    "follow": relay.Follow(),
    "rebuild": rebuild.Rebuild(),
    "trigrams": trigrams.Trigrams(),
    "history": history.History(),
    "as-of": as_of.AsOf(),
    "restore": restore.Restore(),
    "export": shred.Export(),
    "shred": shred.Shred(),
    "signing-keys": signing_keys.SigningKeys(),
}
"""By the name that is typed."""

__all__ = ["SUBCOMMANDS", "Subcommand"]
