"""A key provider that can do what it must, and nothing more."""

from django_jazzauth.keys.source import worker_secret


class UnsealOnly:
    """The worker of the settings, without ``mac``."""

    @property
    def worker_id(self):
        return worker_secret().worker_id

    def public_key(self, suite):
        return worker_secret().public_key(suite)

    def unseal(self, grant):
        return worker_secret().unseal(grant)
