"""Whether the transaction in which something was done can still be rolled back."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections, transaction


class Standing:
    """Tells whether the transaction, or savepoint, in which it was made is still open.

    Django drops the commit hooks of what is rolled back, and takes them off the list at the commit.
    So what was done stands as long as the hook does; finding out takes neither a lock nor a query.

    Args:
        alias: database alias; a transaction must be open on it.
        on_commit: called after the commit.
    """

    def __init__(self, alias: str, on_commit: Callable[[], None] | None = None) -> None:
        self._alias = alias

        def hook() -> None:
            # A test's captureOnCommitCallbacks also calls the hooks of what it will roll back.
            if on_commit is not None and not connections[alias].in_atomic_block:
                on_commit()

        self._hook = hook
        transaction.on_commit(hook, using=alias)

    def still_stands(self) -> bool:
        """Whether it is."""
        return any(entry[1] is self._hook for entry in connections[self._alias].run_on_commit)
