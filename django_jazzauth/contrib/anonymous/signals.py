"""What a project listens to."""

from __future__ import annotations

from django.dispatch import Signal

anonymous_linked = Signal()
"""A guest has signed in to an account, or signed up for one.

Sent with ``guest`` and ``user``, both users, and ``request``, before the guest is deleted; move
what is the guest's to ``user``. Both happen in one transaction: when a receiver raises, nothing is
moved, the guest stays, and the request fails.
"""
