"""The ways to sign in that a user has: the rows, and the password that has no row of its own."""

from __future__ import annotations

import uuid
from typing import Any

from ...models import Account
from ...models.account import CREDENTIAL
from ..errors import ApiError


def accounts_of(user: Any, *, lock: bool = False) -> list[Account]:
    """How ``user`` can sign in, oldest first.

    Who was made by ``createsuperuser``, in the admin, or loaded from another project has a password
    and no row for it: Django's code knows nothing of accounts. The account is then made up here,
    unsaved, with an id that stays the same.

    Args:
        user: whose.
        lock: hold the rows against other transactions; needs one. Whether there is a password is
            then read again: whoever held the rows before may have taken it away.
    """
    rows = Account.objects.filter(user=user).order_by("created_at", "pk")
    accounts = list(rows.select_for_update() if lock else rows)
    known = any(account.provider_id == CREDENTIAL for account in accounts)
    if not known and _has_password(user, read=lock):
        accounts.insert(0, _of_password(user))
    return accounts


def chosen(accounts: list[Account], account_id: str | None, provider_id: str | None) -> Account:
    """One of ``accounts``: by the id of its row, or as in 1.4 by provider and its id there.

    Raises:
        ApiError: 400 when it is none of them.
    """
    for account in accounts:
        if provider_id is not None:
            if account.provider_id == provider_id and account_id in (None, account.account_id):
                return account
        elif account_id is not None and str(account.pk) == account_id:
            return account
    raise ApiError(400, "ACCOUNT_NOT_FOUND", "Account not found")


def _has_password(user: Any, *, read: bool) -> bool:
    if read:
        user = type(user)._base_manager.using(user._state.db).filter(pk=user.pk).first()
    return user is not None and bool(user.has_usable_password())


def _of_password(user: Any) -> Account:
    return Account(
        pk=uuid.uuid5(uuid.NAMESPACE_OID, f"{CREDENTIAL}/{user.pk}"),
        user=user,
        provider_id=CREDENTIAL,
        account_id=str(user.pk),
        created_at=user.date_joined,
        updated_at=user.updated_at,
    )
