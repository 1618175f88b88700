"""What random operations are done to, and what they should have made of it."""

from __future__ import annotations

import datetime
import itertools
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from django_jazzauth.errors import KeyDestroyed, PayloadCompacted, RestoreRefused
from django_jazzauth.models import Account, Session, Verification
from django_jazzauth.sessions import SessionStore
from django_jazzauth.store import store
from django_jazzauth.store.checkpoints import take
from django_jazzauth.store.compaction import compact
from django_jazzauth.store.history import restore_all
from django_jazzauth.store.retire import retire
from django_jazzauth.store.rewrap import rewrap
from tests.soak.rows import tables
from tests.testapp.models import LabTreatment, Letter, Patient, Scored, Tag, Treatment, Ward

MOST = 250
_DAY = datetime.timedelta(days=1)


class Known:
    """What is expected: patients with their values, and the keys of everything else."""

    def __init__(self) -> None:
        self.patients: dict[Any, dict[str, Any]] = {}
        self.gone: dict[Any, dict[str, Any]] = {}
        self.users: list[Any] = []
        self.gone_users: list[Any] = []
        self.sessions: list[str] = []
        self.issued: list[str] = []

    def copy(self) -> Known:
        """As it is now, whatever happens to this one."""
        twin = Known()
        twin.patients = {pk: _own(values) for pk, values in self.patients.items()}
        twin.gone = dict(self.gone)  # these are not changed, but replaced
        twin.users, twin.gone_users = list(self.users), list(self.gone_users)
        twin.sessions, twin.issued = list(self.sessions), list(self.issued)
        return twin


def _own(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "tags": set(values["tags"])}


class World:
    """The database, and what is known of it.

    Every public method without arguments in ``KINDS`` is an operation; ``number`` and ``text`` were
    drawn for it.
    """

    def __init__(self) -> None:
        self.known = Known()
        self.stale: dict[Any, Patient] = {}
        self.counts: dict[str, int] = {}
        self.refused = 0
        self.tags = [Tag.objects.get_or_create(label=f"tag {n}")[0] for n in range(3)]
        self.groups = [Group.objects.get_or_create(name=f"group {n}")[0] for n in range(3)]
        self.number = 0
        self.text = ""
        self.ever_new = itertools.count()
        self.create_user()  # with it, the database has keys

    def do(self, kind: str, number: int, text: str) -> None:
        """One operation."""
        self.number, self.text = number, text
        act: Callable[[], None] = getattr(self, kind)
        act()
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def undo(self, kind: str, number: int, text: str) -> None:
        """One operation, rolled back: it leaves no trace behind."""
        before, stale = self.known.copy(), dict(self.stale)
        with transaction.atomic():
            self.do(kind, number, text)
            transaction.set_rollback(True)
        self.known, self.stale = before, stale
        self.counts["undone"] = self.counts.get("undone", 0) + 1

    # -- choosing -------------------------------------------------------------------------------

    def one(self, among: Any) -> Any:
        """One of some keys; None if there are none."""
        keys = list(among)
        return keys[self.number % len(keys)] if keys else None

    def some(self) -> list[Any]:
        """Up to four patients."""
        keys = list(self.known.patients)
        start = self.number % len(keys) if keys else 0
        return keys[start : start + 4]

    def fresh(self) -> Patient:
        """A patient that is not saved."""
        return Patient(
            record_no=uuid.uuid4().hex[:16],
            name=self.text,
            email=f"P{self.number}@Example.org",
            visits=self.number % 7,
            owner_id=self.one(self.known.users) if self.number % 3 else None,
            ward=Ward.objects.order_by("pk").first() if self.number % 2 else None,
        )

    def note(self, patient: Patient) -> None:
        self.known.patients[patient.pk] = {
            "name": patient.name,
            "notes": patient.notes,
            "visits": patient.visits,
            "tags": set(),
            "owner": patient.owner_id,
        }

    def drop(self, pk: Any) -> None:
        if pk in self.known.patients:
            self.known.gone[pk] = self.known.patients.pop(pk)
            if len(self.known.gone) > MOST:
                del self.known.gone[next(iter(self.known.gone))]
        self.stale.pop(pk, None)

    def drop_user(self, pk: Any) -> None:
        self.known.users.remove(pk)
        for key, values in list(self.known.patients.items()):
            if values["owner"] == pk:
                self.drop(key)

    # -- making ---------------------------------------------------------------------------------

    def create_patient(self) -> None:
        patient = self.fresh()
        patient.save()
        self.note(patient)
        self.stale[patient.pk] = patient

    def create_many(self) -> None:
        for patient in Patient.objects.bulk_create([self.fresh() for _ in range(3)]):
            self.note(patient)

    def create_or_change(self) -> None:
        """``bulk_create`` of what is there already, told to change it."""
        found = list(Patient.objects.filter(pk__in=self.some()))
        again = [Patient(record_no=p.record_no, notes=self.text) for p in found]
        Patient.objects.bulk_create(
            again, update_conflicts=True, unique_fields=["record_no"], update_fields=["notes"]
        )
        for patient in found:
            self.known.patients[patient.pk]["notes"] = self.text

    def update_or_create(self) -> None:
        key = self.one(self.known.patients)
        number = Patient.objects.get(pk=key).record_no if key else uuid.uuid4().hex[:16]
        patient, made = Patient.objects.update_or_create(
            record_no=number, defaults={"notes": self.text}
        )
        if made:
            self.note(patient)
        self.known.patients[patient.pk]["notes"] = self.text

    def create_user(self) -> None:
        name = uuid.uuid4().hex[:16]
        user = get_user_model().objects.create_user(name, f"{name}@example.org", "pw")
        self.known.users.append(user.pk)
        if self.number % 2:
            Account.objects.create(user=user, provider_id="google", account_id=name)

    def create_others(self) -> None:
        Ward.objects.create(name=uuid.uuid4().hex[:20], beds=self.number % 50)
        LabTreatment.objects.create(code=self.text, lab=self.text, factor=self.number / 7)
        Scored.objects.create(score=self.number % 5 or None)
        key = self.one(self.known.patients)
        if key:
            Letter.objects.create(patient_id=key, subject=self.text)

    # -- changing -------------------------------------------------------------------------------

    def save(self) -> None:
        key = self.one(self.known.patients)
        if key:
            patient = Patient.objects.get(pk=key)
            patient.name = self.known.patients[key]["name"] = self.text
            patient.extra = {"n": self.number, "t": self.text}
            patient.save()
            self.stale[key] = patient

    def save_stale(self) -> None:
        key = self.one(self.stale)
        if key:
            # What an instance has already, it does not change: the newer value would stay.
            text = f"{self.text} {next(self.ever_new)}"
            self.stale[key].notes = self.known.patients[key]["notes"] = text
            self.stale[key].save()

    def save_field(self) -> None:
        key = self.one(self.known.patients)
        if key:
            patient = Patient.objects.defer("notes").get(pk=key)
            patient.visits = F("visits") + 1
            patient.save(update_fields=["visits"])
            self.known.patients[key]["visits"] += 1

    def update(self) -> None:
        keys = self.some()
        Patient.objects.filter(pk__in=keys).update(name=self.text, visits=F("visits") + 2)
        for key in keys:
            self.known.patients[key]["name"] = self.text
            self.known.patients[key]["visits"] += 2

    def bulk_update(self) -> None:
        found = list(Patient.objects.filter(pk__in=self.some()))
        for patient in found:
            patient.visits = self.known.patients[patient.pk]["visits"] = self.number % 100
            patient.born = datetime.date(2000, 1, 1 + self.number % 28)
        Patient.objects.bulk_update(found, ["visits", "born"])

    def change_user(self) -> None:
        key = self.one(self.known.users)
        if key:
            user = get_user_model().objects.get(pk=key)
            user.email = f"{uuid.uuid4().hex}@example.org"
            user.set_password(self.text)
            user.save()

    def change_others(self) -> None:
        Treatment.objects.filter(pk__gt=0).order_by("pk")[:1].first()
        Ward.objects.filter(beds__gt=40).update(beds=F("beds") - 1)
        Scored.objects.filter(score=self.number % 5).update(score=F("score") + 1)
        lab = LabTreatment.objects.order_by("-pk").first()
        if lab is not None:
            lab.lab, lab.status = self.text, "done"
            lab.save()

    # -- members --------------------------------------------------------------------------------

    def tag(self) -> None:
        key = self.one(self.known.patients)
        if key:
            patient, tag = Patient.objects.get(pk=key), self.tags[self.number % 3]
            have = self.known.patients[key]["tags"]
            if self.number % 5 == 0:
                patient.tags.set([tag])
                have.clear()
                have.add(tag.pk)
            elif self.number % 5 == 1:
                patient.tags.clear()
                have.clear()
            elif self.number % 5 == 2:
                patient.tags.remove(tag)
                have.discard(tag.pk)
            else:
                patient.tags.add(tag)
                have.add(tag.pk)

    def tag_many(self) -> None:
        tag, keys = self.tags[self.number % 3], self.some()
        tag.patient_set.add(*Patient.objects.filter(pk__in=keys))
        for key in keys:
            self.known.patients[key]["tags"].add(tag.pk)

    def join(self) -> None:
        key = self.one(self.known.users)
        if key:
            user = get_user_model().objects.get(pk=key)
            user.groups.set(self.groups[: self.number % 4])

    def follow(self) -> None:
        found = list(Treatment.objects.order_by("-pk")[:3])
        for one, two in itertools.pairwise(found):
            one.follows.add(two)

    # -- sessions and verifications -------------------------------------------------------------

    def sign_in(self) -> None:
        key = self.one(self.known.users)
        session = Session.objects.create(user_id=key, expires_at=timezone.now() + _DAY)
        self.known.sessions.append(session.token)

    def visit(self) -> None:
        session = SessionStore(self.one(self.known.sessions))
        session["seen"] = self.text
        session.save()
        if session.session_key not in self.known.sessions:
            self.known.sessions.append(str(session.session_key))

    def sign_out(self) -> None:
        token = self.one(self.known.sessions)
        if token:
            self.known.sessions.remove(token)
            SessionStore(token).delete()

    def verification(self) -> None:
        identifier = self.one(self.known.issued)
        if identifier and self.number % 2:
            self.known.issued.remove(identifier)
            assert Verification.objects.consume(identifier) is not None
        else:
            identifier = uuid.uuid4().hex
            Verification.objects.issue(identifier, self.text, lifetime=_DAY)
            self.known.issued.append(identifier)

    # -- ending ---------------------------------------------------------------------------------

    def delete_patient(self) -> None:
        key = self.one(self.known.patients)
        if key:
            Patient.objects.get(pk=key).delete()
            self.drop(key)

    def delete_many(self) -> None:
        keys = self.some()
        Patient.objects.filter(pk__in=keys).delete()
        for key in keys:
            self.drop(key)

    def delete_user(self) -> None:
        key = self.one(self.known.users)
        if key:
            get_user_model().objects.get(pk=key).delete()
            self.drop_user(key)
            self.known.gone_users.append(key)

    def delete_ward(self) -> None:
        ward = Ward.objects.order_by("pk").first()
        if ward is not None:
            ward.delete()  # SET_NULL: an event of every patient in it

    def restore_patient(self) -> None:
        key = self.one(self.known.gone)
        if key:
            self._restore(Patient, key)

    def restore_user(self) -> None:
        key = self.one(self.known.gone_users)
        if key:
            self._restore(get_user_model(), key)

    def _restore(self, model: Any, key: Any) -> None:
        try:
            with transaction.atomic():
                found = restore_all(model, key)
        except (RestoreRefused, PayloadCompacted, KeyDestroyed):
            self.refused += 1
            return
        for stream in found.streams:
            entity, _, text = stream.partition("/")
            if entity == "patient":
                values = self.known.gone.pop(uuid.UUID(text), None)
                if values is None:  # so long ago that it is not known any more
                    patient = Patient.objects.get(pk=text)
                    self.note(patient)
                    self.known.patients[patient.pk]["tags"] = set(patient.sealed_m2m("tags"))
                else:
                    self.known.patients[uuid.UUID(text)] = _own(values)
            elif entity == "user":
                if uuid.UUID(text) in self.known.gone_users:
                    self.known.gone_users.remove(uuid.UUID(text))
                self.known.users.append(uuid.UUID(text))

    def shred(self) -> None:
        key = self.one(self.known.users)
        if key and self.number % 4 == 0:
            store.shred(get_user_model(), pk=key)
            self.drop_user(key)

    def thin_out(self) -> None:
        """Keep the world small: much is deleted once there is much."""
        if len(self.known.patients) > MOST:
            keys = list(self.known.patients)[: MOST // 2]
            Patient.objects.filter(pk__in=keys).delete()
            for key in keys:
                self.drop(key)
        if len(self.known.users) > MOST // 2:
            keys = self.known.users[: MOST // 4]
            get_user_model().objects.filter(pk__in=keys).delete()
            for key in keys:
                self.drop_user(key)
                self.known.gone_users.append(key)
        if Treatment.objects.count() > MOST:
            Treatment.objects.filter(pk__in=Treatment.objects.values("pk")[: MOST // 2]).delete()
            Scored.objects.all().delete()
        while len(self.known.sessions) > MOST:
            SessionStore(self.known.sessions.pop(0)).delete()
        del self.known.gone_users[:-MOST]

    # -- upkeep ---------------------------------------------------------------------------------

    def rotate(self) -> None:
        from django_jazzauth.keys.rotation import rotate

        rotate("default")

    def rewrap(self) -> None:
        assert rewrap("default").left.total == 0

    def retire(self) -> None:
        from django_jazzauth.keys.models import Epoch

        if rewrap("default").left.total == 0:
            number = Epoch.objects.get(superseded_at=None).number
            if number > 1:
                retire("default", number - 1)

    def compact(self) -> None:
        retention = {"patient": 0, "session": 0, "verification": 0}
        with override_settings(JAZZAUTH={**settings.JAZZAUTH, "RETENTION": retention}):
            compact("default")

    def checkpoint(self) -> None:
        take()

    def rebuild(self) -> None:
        store.rebuild()

    # -- judging --------------------------------------------------------------------------------

    def check(self) -> dict[str, int]:
        """Compare with what is known; then rebuild, and compare every row.

        Returns:
            Table to the number of rows.
        """
        found = {p.pk: p for p in Patient.objects.all()}
        assert found.keys() == self.known.patients.keys()
        for key, values in self.known.patients.items():
            patient = found[key]
            assert (patient.name, patient.notes, patient.visits, patient.owner_id) == (
                values["name"],
                values["notes"],
                values["visits"],
                values["owner"],
            )
            assert set(patient.sealed_m2m("tags")) == values["tags"]
        assert set(get_user_model().objects.values_list("pk", flat=True)) == set(self.known.users)
        # Heads are the same bytes only under the same epoch.
        assert rewrap("default").left.total == 0
        before = tables()
        store.rebuild()
        after = tables()
        for name, rows in before.items():
            assert after[name] == rows, f"{name}: rebuilt rows differ from the live ones"
        return {name: len(rows) for name, rows in before.items()}
