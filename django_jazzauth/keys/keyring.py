"""The keyring of a database: every key that the floors above ask for, opened once and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate

from ..conf import NAME
from ..crypto.envelope import Envelope, HeadCipher
from ..crypto.index_cipher import IndexCipher
from ..errors import KeyDestroyed, KeyUnavailable
from .cache import RecentlyUsed
from .data_keys import PendingKey, check_subject, handle_of, handles_of, new_data_key
from .destroying import data_keys_destroyed, keys_forgotten
from .index_places import current_places
from .opened import ColumnCiphers, CurrentEpoch, DataKeyHandle, Holder, Opened
from .sql import chunks, find_by_id, find_by_subject, insert_data_keys
from .trust import let_go
from .wrapping import index_cipher

_SOUGHT = 1000
_LONGEST_KEPT = 500

__all__ = ["CurrentEpoch", "DataKeyHandle", "Keyring", "PendingKey", "keyring"]

_TRIES = 5
_PARAMETERS_PER_NEW_KEY = 3


class Keyring:
    """The keys of one database. Thread-safe; get it from :func:`keyring`.

    What it returns was true when it was read. Rows may vanish afterwards (a rollback, a flush) or
    another process may start a new epoch; the Journal's INSERT notices, and calls ``forget``.

    Every method may raise what reading the tables can: ``WrongWorkerSecret``, ``SealBroken``,
    ``ImproperSettings`` (no worker secret), and Django's database errors.

    Args:
        alias: database alias.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._holder = Holder(alias)

    def forget(self) -> None:
        """Drop every key from memory; the next call reads the database again."""
        self._holder.forget()
        keys_forgotten.send(type(self), using=self._alias)

    @property
    def reading(self) -> int:
        """A number that changes when keys are forgotten.

        Who computes columns with an index cipher, then appends an event and finds another number
        afterwards, computes the columns again: the keys may be others by now.
        """
        return self._holder.reading

    def current(self) -> CurrentEpoch:
        """The epoch that is written under. A database without any gets its first one now."""
        return self._holder.get().current

    # -- heads and columns ----------------------------------------------------------------------

    def head_cipher(self, epoch_id: bytes, entity: str) -> HeadCipher:
        """The cipher of the heads of one kind of entity.

        Args:
            epoch_id: 16-byte id, as the head names it.
            entity: stable name of the model.

        Raises:
            KeyUnavailable: the epoch is not in this database, was retired or never granted to us.
        """
        opened = self._holder.get()
        cipher = opened.heads.get((epoch_id, entity))
        if cipher is None:
            if epoch_id not in opened.keys.epochs:
                opened = self._again()
            cipher = opened.epoch(epoch_id).head_cipher(entity)
            opened.heads[epoch_id, entity] = cipher
        return cipher

    def index_cipher(self, entity: str, field: str) -> IndexCipher:
        """The cipher of the newest generation that a column is searched with."""
        return self.index_ciphers(entity, field)[0]

    def index_ciphers(self, entity: str, field: str) -> tuple[IndexCipher, ...]:
        """The ciphers of a column's generations, newest first: what is searched and checked with.

        It is one, unless the column is being re-indexed.

        Raises:
            KeyUnavailable: no live index root can be opened.
        """
        return self._searched(entity, field).live

    def sought(self, entity: str, field: str, value: bytes) -> list[bytes]:
        """What a column may hold for a value, newest first; remembered, for the same are sought
        again and again.

        Raises:
            KeyUnavailable: no live index root can be opened.
        """
        column = self._searched(entity, field)
        found = column.sought.get(value)
        if found is None:
            found = [cipher.seal(value) for cipher in column.live]
            if len(value) <= _LONGEST_KEPT:  # it may come from anybody
                column.sought.put(value, found)
        return found

    def seal_column(self, entity: str, field: str, value: bytes) -> bytes:
        """The ciphertext that a searchable column gets for a value.

        While the column is being re-indexed, the value's generation is asked of the database, and
        stays what it is until the transaction ends.

        Raises:
            KeyUnavailable: no live index root can be opened.
        """
        column = self._searched(entity, field)
        if not column.moving:
            return column.live[0].seal(value)
        place = current_places(self._alias).get((entity, field))
        if place is None:
            return self.index_cipher(entity, field).seal(value)
        old = self.index_cipher_of(entity, field, place.generation).seal(value)
        if place.target is None or old > place.boundary:
            return old
        return self.index_cipher_of(entity, field, place.target).seal(value)

    def writing_cipher(self, entity: str, field: str) -> IndexCipher:
        """The cipher of what follows from a column's values all at once, such as a search index.

        While it is being re-indexed, that is the new one as soon as the boundary lies behind all
        values.
        """
        column = self._searched(entity, field)
        if not column.moving:
            return column.live[0]
        place = current_places(self._alias).get((entity, field))
        if place is None:
            return self.index_cipher(entity, field)
        return self.index_cipher_of(entity, field, place.written)

    def index_cipher_of(self, entity: str, field: str, generation: int) -> IndexCipher:
        """The cipher of one generation, searched or not: what a column is opened with.

        Raises:
            KeyUnavailable: there is no such generation any more, or it is closed to us.
        """
        cipher = self._column(self._holder.get_checked(), entity, field).by_generation.get(
            generation
        )
        if cipher is None:
            cipher = self._column(self._again(), entity, field).by_generation.get(generation)
        if cipher is None:
            raise KeyUnavailable(
                f"generation {generation} of the index keys is not in this database"
            )
        return cipher

    # -- data keys --------------------------------------------------------------------------------

    def data_key(self, subject: str, *, fresh: bool = False) -> DataKeyHandle:
        """The data key of a subject, made if there is none.

        Args:
            subject: who the data belongs to, at most 255 characters.
            fresh: the subject is new: insert without looking first (one statement instead of two).

        Raises:
            ValueNotStorable: the subject is empty, too long, or no text a database can hold.
            KeyDestroyed: the subject's key was destroyed under its name.
            KeyUnavailable: it stands under an epoch that is closed to us.
        """
        opened = self._holder.get()
        handle = opened.by_subject.get(subject)
        if handle is not None:
            return handle
        check_subject(subject)
        rows = () if fresh else find_by_subject(self._alias, (subject,))
        if rows and rows[0].epoch_id in opened.keys.epochs:
            return handle_of(opened, rows[0])
        if not rows:
            row, envelope = new_data_key(opened.keys.current, subject)
            if insert_data_keys(self._alias, opened.keys.current.id, [row]):
                return opened.keep(subject, row.id, envelope)
        # The epoch is another by now, or somebody else was faster.
        return self.data_keys((subject,))[subject]

    def data_key_to_store(self, subject: str) -> tuple[DataKeyHandle, PendingKey | None]:
        """The data key of a new subject; one that is not in memory is made, for others to store.

        Args:
            subject: as for :meth:`data_key`.

        Returns:
            The key, and what has to be stored before anything that it seals, if anything.

        Raises:
            ValueNotStorable: as :meth:`data_key`.
        """
        opened = self._holder.get()
        handle = opened.by_subject.get(subject)
        if handle is not None:
            return handle, None
        check_subject(subject)
        row, envelope = new_data_key(opened.keys.current, subject)
        return DataKeyHandle(row.id, envelope), PendingKey(row, envelope, opened)

    def data_keys(
        self, subjects: Sequence[str], *, fresh: bool = False
    ) -> dict[str, DataKeyHandle]:
        """The data keys of many subjects, made where there are none; a few statements in all.

        Args:
            subjects: each at most 255 characters; repeated ones count once.
            fresh: the subjects are new: insert without looking first.

        Raises:
            ValueNotStorable, KeyDestroyed, KeyUnavailable: as :meth:`data_key`.
        """
        for subject in subjects:
            check_subject(subject)
        for attempt in range(_TRIES):
            opened = self._holder.get()
            try:
                handles, missing = self._found(opened, subjects, look=not fresh)
                if missing:
                    missing = self._made(opened, missing, handles)
            except KeyUnavailable:
                # Wrapped under an epoch that we have not seen yet, or never will.
                if attempt:
                    raise
            else:
                if not missing:
                    return handles
            # The epoch is gone or superseded, or a row appeared and vanished again meanwhile.
            self._holder.forget()
        raise KeyUnavailable("the epoch changed on every try to store a data key under it")

    def data_key_by_id(self, id: bytes) -> Envelope:
        """The envelope of the data key with this 16-byte id, as an event names it.

        Raises:
            KeyDestroyed: it was destroyed; what it sealed is gone.
            KeyUnavailable: there is none, or it stands under an epoch that is closed to us.
        """
        envelope = self._holder.get().by_id.get(id)
        if envelope is not None:
            return envelope
        for row in find_by_id(self._alias, [id]):
            if row.wrapped is None:
                raise KeyDestroyed(f"data key {id.hex()} was destroyed")
            if row.epoch_id not in self._holder.get().keys.epochs:
                self._holder.forget()
            return handle_of(self._holder.get(), row).envelope
        raise KeyUnavailable(f"data key {id.hex()} is not in this database")

    def data_keys_by_id(self, ids: Iterable[bytes]) -> dict[bytes, Envelope]:
        """The envelopes of many data keys, by id.

        Those that are destroyed or unknown are left out; :meth:`data_key_by_id` says which it is.

        Raises:
            KeyUnavailable: one stands under an epoch that is closed to us.
        """
        opened = self._holder.get()
        found = {id_: opened.by_id.get(id_) for id_ in ids}
        rows = find_by_id(self._alias, [id_ for id_, envelope in found.items() if envelope is None])
        if any(row.epoch_id not in opened.keys.epochs for row in rows):
            self._holder.forget()
            opened = self._holder.get()
        for row in rows:
            if row.wrapped is not None:
                found[row.id] = handle_of(opened, row).envelope
        return {id_: envelope for id_, envelope in found.items() if envelope is not None}

    def data_key_destroyed(self, id: bytes) -> None:
        """Forget a data key that was destroyed, and tell whoever keeps what was opened."""
        self._holder.get().drop({id})
        data_keys_destroyed.send(type(self), using=self._alias)

    def drop_destroyed(self, ids: Iterable[bytes]) -> None:
        """Forget those of these data keys that were destroyed since they were read."""
        wanted = set(ids)
        alive = {row.id for row in find_by_id(self._alias, wanted) if row.wrapped is not None}
        if wanted - alive:
            self._holder.get().drop(wanted - alive)

    # -- inside -----------------------------------------------------------------------------------

    def _again(self) -> Opened:
        self._holder.forget()
        return self._holder.get()

    def _searched(self, entity: str, field: str) -> ColumnCiphers:
        opened = self._holder.get_checked()
        column = opened.columns.get((entity, field)) or self._column(opened, entity, field)
        if not column.live:
            raise KeyUnavailable("no live index root of this database opens")
        return column

    @staticmethod
    def _column(opened: Opened, entity: str, field: str) -> ColumnCiphers:
        column = opened.columns.get((entity, field))
        if column is None:
            ciphers = {
                root.generation: index_cipher(root.root, root.generation, entity, field)
                for root in opened.keys.roots
            }
            generation, target = opened.keys.generations(entity, field)
            numbers = (generation,) if target is None else (target, generation)
            live = tuple(ciphers[number] for number in numbers if number in ciphers)
            whole = len(live) == len(numbers)
            column = ColumnCiphers(
                ciphers,
                live if whole else (),
                target is not None,
                RecentlyUsed(_SOUGHT),
            )
            opened.columns[entity, field] = column
        return column

    def _found(
        self, opened: Opened, subjects: Sequence[str], *, look: bool
    ) -> tuple[dict[str, DataKeyHandle], list[str]]:
        """Handles that are cached or stored, and the subjects without one, sorted."""
        cached = {subject: opened.by_subject.get(subject) for subject in subjects}
        handles = {subject: handle for subject, handle in cached.items() if handle is not None}
        missing = sorted(cached.keys() - handles.keys())
        if missing and look:
            handles |= handles_of(opened, find_by_subject(self._alias, missing))
            missing = [subject for subject in missing if subject not in handles]
        return handles, missing

    def _made(
        self, opened: Opened, subjects: list[str], handles: dict[str, DataKeyHandle]
    ) -> list[str]:
        """Store new data keys and add them to ``handles``; the subjects that still have none."""
        epoch = opened.keys.current
        for chunk in chunks(subjects, _PARAMETERS_PER_NEW_KEY):
            new = {subject: new_data_key(epoch, subject) for subject in chunk}
            stored = insert_data_keys(self._alias, epoch.id, [row for row, _ in new.values()])
            if stored == len(chunk):
                for subject, (row, envelope) in new.items():
                    handles[subject] = opened.keep(subject, row.id, envelope)
            else:
                handles |= handles_of(opened, find_by_subject(self._alias, chunk, newest=True))
        return [subject for subject in subjects if subject not in handles]


_keyrings: dict[str, Keyring] = {}


def keyring(alias: str) -> Keyring:
    """The keyring of a database alias: one per process, made at the first call."""
    ring = _keyrings.get(alias)
    return ring or _keyrings.setdefault(alias, Keyring(alias))


def _forget_after_flush(*, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    # ``flush`` empties the tables without a word, but sends this signal afterwards.
    let_go(using)
    if using in _keyrings:
        _keyrings[using].forget()


def _start_anew(*, setting: str, **kwargs: Any) -> None:
    if setting == NAME:
        _keyrings.clear()
        let_go()


post_migrate.connect(_forget_after_flush, dispatch_uid="jazzauth.keys.keyring.flush")
setting_changed.connect(_start_anew, dispatch_uid="jazzauth.keys.keyring.settings")
