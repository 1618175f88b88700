"""``jazzauth worker``: who may open the database."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from ...crypto.hpke import SUITES
from ...errors import NotAnchored
from ...keys.card import Card
from ...keys.rotation import Rotation
from ...keys.secret import WorkerSecret
from ...keys.source import ENV_SECRET, key_provider
from ...keys.trusting import epoch_in_use, trust_epoch
from ...keys.workers import add_worker, find_worker, grant_worker, list_workers, remove_worker
from .base import known_database, require_answer
from .init import write_secret_file


class Worker:
    """Say who may open the database, and which epoch a worker is to trust."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One parser per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="action")
        add = actions.add_parser(
            "add", help="Make a new worker: print its secret once, or write it to a file."
        )
        add.add_argument("name", help="What people call it.")
        how = add.add_mutually_exclusive_group()
        how.add_argument(
            "--file",
            type=Path,
            metavar="PATH",
            help="Write the secret to this new file, readable by its owner only.",
        )
        _add_card(how, "Make no secret: add the worker whose card this is.")
        _add_suite(add, "HPKE suite of its grants.")
        actions.add_parser("list", help="List all workers, removed ones included.")
        actions.add_parser(
            "card", help="Print the public keys of this process's own worker; nothing secret."
        )
        grant = actions.add_parser(
            "grant", help="Grant the epoch in use to a worker that is known, but does not have it."
        )
        grant.add_argument("worker", help="Its name or id.")
        _add_card(grant, "Its card; needed if it has no grant of the epoch in use.")
        _add_suite(grant, "HPKE suite of the grant, with --card.")
        actions.add_parser(
            "epoch", help="Print the fingerprint of the epoch in use, for `worker trust` elsewhere."
        )
        trust = actions.add_parser(
            "trust", help="Let this process's own worker go on from the epoch in use."
        )
        trust.add_argument(
            "fingerprint",
            nargs="?",
            help="What `worker epoch` printed where another worker's secret is set; without it the "
            "command shows what is here, and asks.",
        )
        remove = actions.add_parser("remove", help="Start a new epoch without a worker.")
        remove.add_argument("worker", help="Its name or id.")
        remove.add_argument(
            "--force",
            action="store_true",
            help="Remove the worker of this process itself; it can open nothing afterwards.",
        )
        remove.add_argument(
            "--no-input",
            "--noinput",
            action="store_false",
            dest="interactive",
            help="Do not ask before; the worker must then be given by its id.",
        )

    def run(self, command: BaseCommand, options: dict[str, Any]) -> None:
        """Prints what was done; the secret of a new worker appears once and is kept nowhere."""
        alias = known_database(options)
        action = options["action"]
        if action == "add":
            _add(command, alias, options)
        elif action == "list":
            _list(command, alias)
        elif action == "card":
            command.stdout.write(Card.of(key_provider()).to_text())
        elif action == "grant":
            worker_id = grant_worker(alias, options["worker"], _card(options), options["suite"])
            command.stdout.write(command.style.SUCCESS(f"{worker_id} has the epoch in use."))
            facts = {worker.id: worker for worker in list_workers(alias)}
            if facts[worker_id].anchored is None:
                _tell_what_to_trust(command, alias)
        elif action == "epoch":
            command.stdout.write(epoch_in_use(alias).fingerprint)
        elif action == "trust":
            _trust(command, alias, options["fingerprint"])
        else:
            worker_id = _to_remove(command, alias, options)
            who = str(find_worker(alias, worker_id))
            rotation = remove_worker(alias, worker_id, myself=options["force"])
            command.stdout.write(command.style.SUCCESS(f"{who} was removed."))
            tell_rotation(command, rotation)


def _trust(command: BaseCommand, alias: str, fingerprint: str | None) -> None:
    if fingerprint is None:
        offered = epoch_in_use(alias, trusting=True)
        command.stdout.write(
            f"Epoch {offered.number} is in use in database {alias!r}, made on "
            f"{timezone.localtime(offered.created_at):%Y-%m-%d %H:%M} by what its row says. Its "
            f"fingerprint is\n{offered.fingerprint}\n"
            "Somebody who can write to the database may have put it there to read what is written "
            "from now on. Compare the fingerprint with what `manage.py jazzauth worker epoch` "
            "prints where another worker has the database open."
        )
        if (last := offered.departed_from) is not None:
            command.stderr.write(
                command.style.WARNING(
                    f"It does not lead to epoch {last.number} ({last.fingerprint}), which this "
                    "worker last opened. Unless somebody restored or exchanged the database on "
                    "purpose, do not go on."
                )
            )
        require_answer('Type "trust" to go on: ', "trust", refused="Nothing changed.")
        fingerprint = offered.fingerprint
    trusted = trust_epoch(alias, fingerprint)
    command.stdout.write(
        command.style.SUCCESS(
            f"Worker {key_provider().worker_id} goes on from epoch {trusted.number} "
            f"({trusted.fingerprint})."
        )
    )


def _tell_what_to_trust(command: BaseCommand, alias: str) -> None:
    command.stdout.write(
        "It cannot know yet which epoch is genuine. Run this there, before it is started:"
    )
    try:
        command.stdout.write(f"manage.py jazzauth worker trust {epoch_in_use(alias).fingerprint}")
    except NotAnchored as error:
        command.stdout.write("manage.py jazzauth worker trust FINGERPRINT")
        command.stderr.write(command.style.WARNING(str(error)))


def _to_remove(command: BaseCommand, alias: str, options: dict[str, Any]) -> str:
    """The id of the worker that is meant: names can be swapped by whoever writes to the tables."""
    text: str = options["worker"]
    worker = find_worker(alias, text)
    if not options["interactive"]:
        if text != worker.id:
            raise CommandError(
                f"{text} is {worker.id} here, by a name that SQL can change. With --no-input give "
                "the id that its owner knows. Nothing changed."
            )
        return text
    command.stdout.write(
        f"{worker.name or '-'} is the worker {worker.id}, added on {worker.created_at:%Y-%m-%d}. "
        "Compare the id with what its owner knows: the name is not sealed."
    )
    require_answer('Type "remove" to go on: ', "remove", refused="Nothing changed.")
    return str(worker.id)


def tell_rotation(command: BaseCommand, rotation: Rotation) -> None:
    """Print what a rotation did, and what is still to do."""
    command.stdout.write(
        f"Epoch {rotation.number} is in use, granted to {', '.join(rotation.granted)}."
    )
    for worker_id in rotation.left_out:
        command.stderr.write(
            command.style.WARNING(
                f"{worker_id} did not have the epoch before, and does not have this one: "
                f"`jazzauth worker grant {worker_id} --card FILE` if it was never removed, or "
                "`worker remove`."
            )
        )
    command.stdout.write(
        "What was written before is under older epochs: run `jazzauth rewrap`, then "
        f"`jazzauth retire {rotation.number - 1}`."
    )


def _add_card(parser: Any, text: str) -> None:
    parser.add_argument(
        "--card", type=Path, metavar="PATH", help=f"{text} A file, or - for standard input."
    )


def _add_suite(parser: ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--suite", choices=SUITES, help=f'{text} Defaults to JAZZAUTH["HPKE_SUITE"].'
    )


def _card(options: dict[str, Any]) -> Card | None:
    path: Path | None = options["card"]
    if path is None:
        return None
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise CommandError(f"{path} cannot be read: {reason}.") from None
    return Card.from_text(text)


def _add(command: BaseCommand, alias: str, options: dict[str, Any]) -> None:
    name, suite, path = options["name"], options["suite"], options["file"]
    card = _card(options)
    if card is not None:
        worker_id = add_worker(alias, name, card, suite)
        command.stdout.write(command.style.SUCCESS(f"{worker_id} can open the database."))
        _tell_what_to_trust(command, alias)
        return
    secret = WorkerSecret.generate()
    if path is None:
        add_worker(alias, name, Card.of(secret), suite, secret)
        command.stdout.write(f"{ENV_SECRET}={secret.to_text()}")
        command.stderr.write(
            f"This is the secret of worker {secret.worker_id}. It is shown this once and kept "
            "nowhere: put the line where only that worker reads it."
        )
        return
    # The file first, and all or nothing: a worker whose secret nobody has would be of no use.
    with transaction.atomic(using=alias):
        add_worker(alias, name, Card.of(secret), suite, secret)
        write_secret_file(path, secret)
    command.stdout.write(f"The secret of worker {secret.worker_id} is in {path}.")


def _list(command: BaseCommand, alias: str) -> None:
    workers = list_workers(alias)
    if not workers:
        command.stdout.write("There is no worker yet: the first write makes this one the first.")
    for worker in workers:
        if worker.removed_at is not None:
            state = f"removed {timezone.localtime(worker.removed_at):%Y-%m-%d %H:%M}"
        elif worker.has_current:
            state = "opens the database"
        else:
            state = "does not have the epoch in use"
        epochs = ", ".join(map(str, worker.epochs)) or "none"
        anchored = "no epoch" if worker.anchored is None else f"epoch {worker.anchored}"
        own = "  (this process)" if worker.own else ""
        command.stdout.write(
            f"{worker.id}  {worker.name or '-'}  {worker.suite}  {state}; grants of epochs: "
            f"{epochs}; goes on from {anchored}{own}"
        )
