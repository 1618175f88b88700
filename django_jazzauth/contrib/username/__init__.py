"""Usernames: at sign-up, to sign in with, to change, to ask whether one is free.

The name is Django's ``username``, in lower case; how its owner wrote it is ``display_username``.
Both are fields of ``AbstractUser``, so this app has no table.
"""
