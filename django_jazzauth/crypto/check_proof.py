"""``python -m django_jazzauth.crypto.check_proof``: a proof checked without project and database.

Who is given a proof need not run a Django project: this module needs none, and takes the same
arguments as ``manage.py jazzauth check-proof``, which is made of it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from ..errors import JazzAuthError
from .notes import VerifierKey, read_checkpoint, verified_checkpoint
from .tlog_proof import InclusionProof


def add_arguments(parser: ArgumentParser) -> None:
    """The proof, and what it is checked against."""
    parser.add_argument("proof", metavar="PROOF", help="File with what `prove` printed.")
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="The checkpoint that you kept. Without it the one in the proof is taken, which proves "
        "something only together with --key.",
    )
    parser.add_argument(
        "--key",
        metavar="KEY",
        help="Public key of the log, as `checkpoint --key` printed it: its signature is checked as "
        "well.",
    )


def check(proof: str, *, checkpoint: str | None = None, key: str | None = None) -> str:
    """Check an inclusion proof, and say what it proves.

    Args:
        proof: what ``prove`` printed.
        checkpoint: the signed note that the caller kept; without it the proof's own is taken.
        key: the public key of the log; without it no signature is checked.

    Returns:
        What holds, in words: one sentence, and a second one that says what was not checked.

    Raises:
        ProofError: the event is not in the log of the checkpoint, or the proof is malformed.
        NoteError: the checkpoint is malformed, or not signed by ``key``.
    """
    parsed = InclusionProof.from_text(proof)
    note = parsed.note if checkpoint is None else checkpoint
    against = (
        read_checkpoint(note)
        if key is None
        else verified_checkpoint(note, [VerifierKey.from_text(key)])
    )
    parsed.check(against)
    header = parsed.header
    holds = (
        f"{header.stream}@{header.version} ({header.type}) is leaf {parsed.index:,} of the "
        f"{against.size:,} events of {against.origin}."
    )
    if key is not None:
        return f"{holds}\nThe checkpoint is signed by {against.origin}."
    if checkpoint is not None:
        return f"{holds}\nThe signature of the checkpoint was not checked (no --key)."
    return (
        f"{holds}\nThe checkpoint is the proof's own and its signature was not checked: give "
        "--checkpoint or --key."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the command line names.

    Returns:
        0 if the proof holds, 1 if not, or if a file cannot be read.
    """
    parser = ArgumentParser(
        prog="python -m django_jazzauth.crypto.check_proof",
        description="Check that an event is in a log. Needs no key and no database.",
    )
    add_arguments(parser)
    given = parser.parse_args(arguments)
    try:
        proof = Path(given.proof).read_text(encoding="utf-8")
        note = given.checkpoint and Path(given.checkpoint).read_text(encoding="utf-8")
        print(check(proof, checkpoint=note, key=given.key))
    except JazzAuthError as error:
        print(f"{error} [{error.code}]", file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        print("A file that was named is no text.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be read: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
