"""A database that was rolled back is noticed, and what ended since does not come back with it.

The newest checkpoint is kept outside (``JAZZAUTH["CHECKPOINT"]["FILE"]``). At its first request a
server looks whether the database contains what it says.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError, router

from .conf import get_settings
from .errors import ImproperSettings, JazzAuthError, SealBroken
from .models import Event, Session, SigningKey, Verification
from .store.checkpoints import take
from .store.generations import begin_generation, on_new_generation, require_contained, standing
from .store.outside import read_outside, replace_outside

logger = logging.getLogger("django_jazzauth.rollback")

_CHUNK = 500


def database() -> str:
    """Alias of the database that the checkpoint outside is about."""
    return str(router.db_for_write(Event))


def look(begin: bool = False) -> None:
    """Compare the database with the checkpoint outside; a few look-ups by key.

    Args:
        begin: begin a new generation where it was rolled back and the settings want that.

    Raises:
        RolledBack: it was, and requests are to be refused.
        NoteError: the file is no checkpoint, or has a wrong signature.
        SealBroken: what the database says about its checkpoints was changed.
    """
    try:
        given = get_settings().CHECKPOINT
    except ImproperSettings:
        return  # E001 says it
    if given.FILE is None:
        return
    note = read_outside(given.FILE)
    if note is None:
        return  # none was made yet
    using = database()
    if given.ON_ROLLBACK == "refuse":
        require_contained(using, note)
    elif begin and standing(using, note) == "rolled back":
        _begin(using, note, given.FILE)


def void_what_may_be_over(using: str) -> None:
    """End everything that may have ended after the state that the database was rolled back to.

    Sessions, signing keys of JWTs, and the links in mails.
    """
    for model in (Session, SigningKey, Verification):
        _delete_all(model, using)


def connect() -> None:
    """Be there when a new generation begins; called once the apps are ready."""
    on_new_generation(void_what_may_be_over)


def _begin(using: str, note: str, path: str) -> None:
    try:
        number = begin_generation(using, note)
    except IntegrityError:
        number = begin_generation(using, note)  # another process began it at the same moment
    logger.warning(
        "The database %r was rolled back behind its checkpoint. Generation %d has begun: all "
        "sessions and JWTs from before are void.",
        using,
        number,
    )
    try:
        replace_outside(path, take(using).note)
    except JazzAuthError as error:
        # The generation stands in the database; the next `jazzauth checkpoint` writes the file.
        logger.warning("The new generation's checkpoint is not kept outside yet: %s", error)


def _delete_all(model: Any, using: str) -> None:
    rows = model._base_manager.using(using)
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:_CHUNK]):
        try:
            rows.filter(pk__in=keys).delete()
        except SealBroken:
            for key in keys:  # a row that does not open must not keep the others alive
                model(pk=key).delete(using=using)
