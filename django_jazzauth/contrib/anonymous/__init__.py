"""Guests: a session without a name, an address or a password, until they sign in to an account.

What a guest made is theirs by foreign keys to the user; a project moves it to the account when
:data:`.signals.anonymous_linked` is sent. Whether somebody is a guest is a field of
``AbstractUser``, so this app has no table.
"""
