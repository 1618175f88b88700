"""The group of settings of the relay: what may stand in it, and the defaults."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .conf_groups import Group, Positive, Text

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64})*$")]
Seconds = Annotated[float, Meta(gt=0)]


class RelaySettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["RELAY"]``: where ``jazzauth relay`` publishes the log, and ``jazzauth follow``
    reads it.

    Attributes:
        URL: address of the NATS server, such as ``tls://nats.example.org:4222``, or a list of those
            of a cluster. None: there is no relay.
        STREAM: name of the JetStream stream of the events; that of the keys is called the same,
            followed by ``-keys``. The relay must be the only one that publishes to them.
        SUBJECT_PREFIX: first part of all subjects.
        NAME: of the relay, and of the place in the log that is kept under it. Relays of one name
            take turns; one of another name publishes everything again.
        USER: name to sign in with at NATS.
        PASSWORD: the password that belongs to it.
        TOKEN: to sign in with instead.
        CREDENTIALS_FILE: likewise, path of a ``.creds`` file (JWT and NKey).
        NKEY_SEED_FILE: likewise, path of a file with the seed of an NKey.
        TLS_CA_FILE: certificates that the server's is verified with; None: the system's.
        TLS_CERT_FILE: certificate that this side shows.
        TLS_KEY_FILE: its private key.
        REPLICAS: servers of the cluster that keep the streams, when ``relay --create-stream`` makes
            them.
        BATCH: events that are published before their acknowledgements are waited for.
        POLL: seconds between two looks at the log while nothing new is in it.
        LEASE: seconds of silence after which another relay of the same name takes over.
        TIMEOUT: seconds to wait for NATS.
        COPIES: aliases of databases that ``jazzauth follow`` keeps. Rows there are those of the
            last rebuild, and are read although the log has gone on.
    """

    URL: Text | tuple[Text, ...] | None = None
    STREAM: Name = "jazzauth"
    SUBJECT_PREFIX: Prefix = "jazzauth"
    NAME: Name = "default"
    USER: Text | None = None
    PASSWORD: Text | None = None
    TOKEN: Text | None = None
    CREDENTIALS_FILE: Text | None = None
    NKEY_SEED_FILE: Text | None = None
    TLS_CA_FILE: Text | None = None
    TLS_CERT_FILE: Text | None = None
    TLS_KEY_FILE: Text | None = None
    REPLICAS: Positive = 1
    BATCH: Positive = 500
    POLL: Seconds = 0.2
    LEASE: Seconds = 15.0
    TIMEOUT: Seconds = 5.0
    COPIES: tuple[Text, ...] = ()

    @property
    def servers(self) -> list[str]:
        """The addresses, none if there is no relay."""
        if self.URL is None:
            return []
        return [self.URL] if isinstance(self.URL, str) else list(self.URL)
