"""The data keys: every one opens, or has the tombstone of its destruction."""

from __future__ import annotations

from typing import Any

from django.db import connections

from ..errors import JazzAuthError, KeyDestroyed, WrongWorkerSecret
from ..keys.keyring import keyring
from ..keys.sql import as_id
from ..keys.tombstones import read_tombstones
from .problems import Report

_PAGE = 500


def check_data_keys(alias: str, report: Report) -> None:
    """Open every data key, also those that no event was sealed with, and every tombstone."""
    after: Any = None
    while True:
        condition = "" if after is None else "WHERE id > %s "
        with connections[alias].cursor() as cursor:
            cursor.execute(
                f"SELECT id, subject FROM jazzauth_data_key {condition}"  # noqa: S608 - constants
                "ORDER BY id LIMIT %s",
                [*([] if after is None else [after]), _PAGE],
            )
            rows = cursor.fetchall()
        _check_page(alias, rows, report)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def _check_page(alias: str, rows: list[tuple[Any, Any]], report: Report) -> None:
    ids: dict[bytes, str] = {}
    for value, subject in rows:
        try:
            ids[as_id(value)] = str(subject or "")
        except (ValueError, AttributeError, TypeError):
            report.found("KEY_BROKEN", str(subject or ""), None, "the id of a data key is none")
    keys = keyring(alias)
    try:
        opened = keys.data_keys_by_id(ids)
    except WrongWorkerSecret:
        raise
    except JazzAuthError:
        opened = {}  # one of them; each is looked at below
    destroyed: dict[bytes, str] = {}
    for id_, subject in ids.items():
        if id_ in opened:
            continue
        try:
            keys.data_key_by_id(id_)
        except WrongWorkerSecret:
            raise
        except KeyDestroyed:
            destroyed[id_] = subject
        except JazzAuthError as error:
            report.found("KEY_BROKEN", subject, None, str(error))
    genuine = read_tombstones(alias, destroyed)
    for id_, subject in destroyed.items():
        if id_ not in genuine:
            detail = f"data key {id_.hex()} is empty, but the application did not destroy it"
            report.found("TOMBSTONE_MISSING", subject, None, detail)
