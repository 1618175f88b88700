"""The key that checkpoints are signed with, and the seal of what belongs to them.

The private key is sealed under a data key of its own, like the state of a person, so that rotating
and re-wrapping take care of it without knowing of it.
"""

from __future__ import annotations

import os
import re
import secrets
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from ..conf import get_settings
from ..crypto.envelope import Envelope, EnvelopeError
from ..crypto.framing import frame
from ..crypto.notes import SEED_BYTES, NoteSigner, VerifierKey
from ..drivers import as_octets
from ..errors import SealBroken
from ..keys.keyring import keyring
from .models import CheckpointKey

SUBJECT = "checkpoints"
_ROW = 1
_GENERATION = re.compile(r"[1-9][0-9]{0,8}")  # what the column of the generations holds


def envelope(alias: str) -> Envelope:
    """What seals the signing key, the lists of leaves and the generations."""
    return keyring(alias).data_key(SUBJECT).envelope


def unseal(alias: str, blob: bytes, aad: bytes, what: str) -> bytes:
    """Open what :func:`envelope` sealed.

    Raises:
        SealBroken: it was changed, or belongs to another row; ``what`` names it.
    """
    try:
        return envelope(alias).open(blob, aad)
    except EnvelopeError as error:
        raise SealBroken(what, str(error)) from None


def signer(alias: str, generation: int) -> NoteSigner:
    """Who signs the checkpoints of a generation. The key is made at the first use.

    Raises:
        SealBroken: the stored key was changed.
    """
    row = _row(alias) or _made(alias)
    return _signer(alias, row, generation)


def verifiers(alias: str, generations: int) -> list[VerifierKey]:
    """The verifier keys of all generations so far; none before the first checkpoint.

    Raises:
        SealBroken: the stored key was changed.
    """
    row = _row(alias)
    if row is None:
        return []
    return [_signer(alias, row, each + 1).verifier for each in range(generations)]


def verifier(alias: str, generation: int) -> VerifierKey | None:
    """The verifier key of one generation; None before the first checkpoint.

    Raises:
        SealBroken: the stored key was changed.
    """
    row = _row(alias)
    return None if row is None else _signer(alias, row, generation).verifier


def log_origin(origin: str, generation: int) -> str:
    """Name of the log in one generation.

    A log that was rolled back and goes on otherwise is another log: it could not prove that it has
    grown from what was signed before. So each generation has a name of its own.
    """
    return origin if generation == 1 else f"{origin}/{generation}"


def generation_of(alias: str, origin: str) -> int | None:
    """Which generation of this log a checkpoint's origin names; None: another log."""
    row = _row(alias)
    if row is None:
        return None
    if origin == row.origin:
        return 1
    prefix, _, number = origin.rpartition("/")
    if prefix != row.origin or not _GENERATION.fullmatch(number) or int(number) < 2:
        return None
    return int(number)


def _row(alias: str) -> CheckpointKey | None:
    row: CheckpointKey | None = CheckpointKey.objects.using(alias).filter(pk=_ROW).first()
    return row


def _made(alias: str) -> CheckpointKey:
    origin = get_settings().CHECKPOINT.ORIGIN or _default_origin()
    sealed = envelope(alias).seal(os.urandom(SEED_BYTES), _aad(origin))
    try:
        with transaction.atomic(using=alias):
            row: CheckpointKey = CheckpointKey.objects.using(alias).create(
                pk=_ROW, origin=origin, sealed=sealed
            )
    except IntegrityError:  # another process was faster
        row = CheckpointKey.objects.using(alias).get(pk=_ROW)
    return row


def _default_origin() -> str:
    host = urlsplit(get_settings().BASE_URL or "").hostname or "localhost"
    return f"{host}/jazzauth-{secrets.token_hex(4)}"


def _signer(alias: str, row: CheckpointKey, generation: int) -> NoteSigner:
    seed = unseal(alias, as_octets(row.sealed), _aad(row.origin), "the key of the checkpoints")
    return NoteSigner(log_origin(row.origin, generation), seed)


def _aad(origin: str) -> bytes:
    return frame("jazzauth/checkpoint-key/1", origin)
