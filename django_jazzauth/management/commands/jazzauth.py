"""``manage.py jazzauth``: the keys, the log and the projections from the command line."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, _SubParsersAction
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, IntegrityError

from ...errors import JazzAuthError
from ...store import acting
from ..process import operator
from ..subcommands import SUBCOMMANDS


class Command(BaseCommand):
    """Finds the subcommand, runs it as a known actor, and turns failures into plain words."""

    help = "Looks after the encrypted event store: keys, log, projections."

    # init and doctor must run where the settings are still wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser per subcommand, in the order of ``SUBCOMMANDS``."""
        parsers = parser.add_subparsers(dest="subcommand", required=True, metavar="subcommand")
        for name, subcommand in SUBCOMMANDS.items():
            summary = (subcommand.__doc__ or "").strip().partition("\n")[0]
            child = parsers.add_parser(name, help=summary, description=summary)
            child.add_argument(
                "--database",
                default="default",
                help='Alias of the database. Defaults to "default".',
            )
            subcommand.add_arguments(child)
            _also_take_djangos(child)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand.

        Raises:
            CommandError: it failed; the text says why and, where there is one, has the stable code.
        """
        name = options["subcommand"]
        cause = {"via": "command", "auth_mode": "command", "command": f"jazzauth {name}"}
        try:
            with acting(**cause, **operator()):
                SUBCOMMANDS[name].run(self, options)
        except JazzAuthError as error:
            raise CommandError(f"{error} [{error.code}]") from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except IntegrityError as error:
            raise CommandError(
                "The database refused it: another row holds a value that must be unique, or one "
                "that is referred to is gone. Nothing was changed."
            ) from error
        except DatabaseError as error:
            raise CommandError(
                f"The database says: {str(error).strip()}. If tables are missing, run "
                "`manage.py migrate`; `manage.py jazzauth doctor` says more."
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=130) from None


def _also_take_djangos(parser: ArgumentParser) -> None:
    """Take Django's own options after a subcommand too; the help shows them before it."""
    # What is not given must not overrule what was given before the subcommand.
    quiet: dict[str, Any] = {"default": SUPPRESS, "help": SUPPRESS}
    parser.add_argument("-v", "--verbosity", type=int, choices=[0, 1, 2, 3], **quiet)
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name, **quiet)
    for name in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(name, action="store_true", **quiet)
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for nested in action.choices.values():
                _also_take_djangos(nested)
