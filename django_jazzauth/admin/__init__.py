"""Users, sessions, linked accounts and verifications in Django's own admin.

``EventSourcedAdminMixin`` brings the same to any event-sourced model. A project with a user model
of its own registers it with ``UserAdmin``.
"""

from __future__ import annotations

from django.contrib import admin

from ..keys.models import Epoch
from ..models import Account, Session, User, Verification
from ..store.models import Checkpoint
from .accounts import AccountAdmin, VerificationAdmin
from .mixin import EventSourcedAdminMixin
from .overview import IntegrityAdmin, KeysAdmin
from .paginator import CappedPaginator
from .sessions import SessionAdmin
from .users import UserAdmin

__all__ = [
    "AccountAdmin",
    "CappedPaginator",
    "EventSourcedAdminMixin",
    "SessionAdmin",
    "UserAdmin",
    "VerificationAdmin",
]

admin.site.register(User, UserAdmin)  # passed over where another user model is swapped in
admin.site.register(Session, SessionAdmin)
admin.site.register(Account, AccountAdmin)
admin.site.register(Verification, VerificationAdmin)
admin.site.register(Epoch, KeysAdmin)
admin.site.register(Checkpoint, IntegrityAdmin)
