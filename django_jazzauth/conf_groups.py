"""The groups of settings within ``JAZZAUTH``: what may stand in each, and the defaults."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Duration = Annotated[float, Meta(gt=0)]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the groups: read-only, and without values in ``repr``, for some are secret."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class JWTSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["JWT"]``: the tokens that ``/token`` gives out.

    Attributes:
        ALGORITHM: JOSE name (RFC 7518, 8037) of the algorithm of new signing keys.
        ISSUER: ``iss``; None: the base URL.
        AUDIENCE: ``aud``; None: the base URL.
        LIFETIME: seconds until a token ends.
        CLAIMS: dotted path of a function ``(user, session) -> dict``, or ``JAZZ`` for the claims
            that a Jazz server looks at; None: the user's fields.
        ROTATION_INTERVAL: seconds after which a new key signs; None: never by itself.
        GRACE_PERIOD: seconds for which a key that signs no more stays published.
    """

    ALGORITHM: Text = "EdDSA"
    ISSUER: Text | None = None
    AUDIENCE: Text | None = None
    LIFETIME: Positive = 900
    CLAIMS: Text | None = None
    ROTATION_INTERVAL: Positive | None = None
    GRACE_PERIOD: Count = 2_592_000


class RecordSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["RECORD"]``: what events keep of the request that they come from, sealed.

    Attributes:
        IP_ADDRESS: the client's address.
        USER_AGENT: the ``User-Agent`` header.
        REQUEST_ID_HEADER: header in which a proxy in front names the request; a random id is made
            where it is missing or odd. None: always.
    """

    IP_ADDRESS: bool = True
    USER_AGENT: bool = True
    REQUEST_ID_HEADER: Text | None = "X-Request-ID"


class JazzSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["JAZZ"]``: what the DRF authentication classes take from clients of Jazz.

    Attributes:
        ALLOW_LOCAL_FIRST: take tokens that a local-first identity signed for itself; they must be
            made out to APP_ID. None: with ``DEBUG`` only.
        BACKEND_SECRET: with it in ``X-Jazz-Backend-Secret``, a backend may act as any user.
        TOKEN_COOKIE: name of a cookie that may hold the token instead of ``Authorization``; what
            changes something must then come from a trusted origin.
        JWKS_URL: where another issuer publishes its keys; its tokens are taken then.
        JWKS_MAX_AGE: seconds for which its key set is kept.
        JWKS_MAX_STALE: seconds beyond that for which it is kept while fetching fails.
    """

    ALLOW_LOCAL_FIRST: bool | None = None
    BACKEND_SECRET: Text | None = None
    TOKEN_COOKIE: Text | None = None
    JWKS_URL: Text | None = None
    JWKS_MAX_AGE: Positive = 300
    JWKS_MAX_STALE: Count = 300


class ProviderSettings(Group, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider of ``JAZZAUTH["SOCIAL"]["PROVIDERS"]``.

    Attributes:
        CLIENT_ID: as the provider gave it.
        CLIENT_SECRET: likewise; None for a public client.
        DISCOVERY_URL: of any OpenID provider: where its ``openid-configuration`` stands. Not needed
            for a provider that is known by its name.
        ISSUER: of a known provider with more than one, e.g. a self-hosted GitLab.
        SCOPES: asked for besides the usual ones; of a provider with DISCOVERY_URL, instead of them.
        ALLOW_SIGN_UP: False lets only users in who have an account already.
    """

    CLIENT_ID: Text
    CLIENT_SECRET: Text | None = None
    DISCOVERY_URL: Text | None = None
    ISSUER: Text | None = None
    SCOPES: tuple[Text, ...] = ()
    ALLOW_SIGN_UP: bool = True


class SocialSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["SOCIAL"]``: signing in with an account elsewhere.

    Attributes:
        PROVIDERS: by the name in the address of their callback, ``/callback/<name>``.
        TRUSTED_PROVIDERS: names of those whose e-mail addresses are believed although they do not
            say that they verified them.
        LINK_BY_EMAIL: a user whose verified address equals that of a provider's verified account
            signs in with it from then on.
        LINK_OTHER_EMAILS: a signed-in user may link an account of another address.
        UNLINK_LAST: users may remove their last way to sign in.
        ACCOUNT_COOKIE: a signed cookie names the account that somebody signed in with, for
            ``useAccountCookie`` of ``/get-access-token`` and ``/refresh-token``.
    """

    PROVIDERS: dict[str, ProviderSettings] = msgspec.field(default_factory=dict)
    TRUSTED_PROVIDERS: tuple[Text, ...] = ()
    LINK_BY_EMAIL: bool = True
    LINK_OTHER_EMAILS: bool = False
    UNLINK_LAST: bool = False
    ACCOUNT_COOKIE: bool = False


class CookieCacheSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["SESSION"]["COOKIE_CACHE"]``: session and user in a cookie of their own.

    Attributes:
        ENABLED: ``/get-session`` answers from the cookie while it is valid, without a query.
        MAX_AGE: seconds for which it is; a revoked session stays visible for as long. None: 300,
            or where sessions are stateless, the EXPIRES_IN of sessions.
        UPDATE_AGE: stateless sessions only: they are renewed, and their user is read again, when no
            more than these seconds are left of MAX_AGE. None: a fifth of it; 0: never.
        STRATEGY: its encoding; ``compact`` and ``jwt`` can be read by its owner, ``jwe`` cannot.
            None: ``compact``, or where sessions are stateless, ``jwe``.
        VERSION: part of the content; a new value makes every older cookie count for nothing.
        REVOKE_AT_ONCE: remember ended sessions in CACHE, and look there before a cookie is
            believed: an operation or two of that cache instead of a query.
        CACHE: alias in ``CACHES``; all processes must share it.
    """

    ENABLED: bool = False
    MAX_AGE: Positive | None = None
    UPDATE_AGE: Count | None = None
    STRATEGY: Literal["compact", "jwt", "jwe"] | None = None
    VERSION: Text = "1"
    REVOKE_AT_ONCE: bool = False
    CACHE: Text = "default"


class CookieCache(NamedTuple):
    """What the cookie cache is set to, with every default filled in; names as in the settings."""

    ENABLED: bool
    STATELESS: bool
    MAX_AGE: int
    UPDATE_AGE: int
    STRATEGY: str
    VERSION: str
    REVOKE_AT_ONCE: bool
    CACHE: str


class SessionSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["SESSION"]``.

    Attributes:
        EXPIRES_IN: seconds until a session ends that nobody uses.
        UPDATE_AGE: seconds after which its use extends it.
        FRESH_AGE: seconds after sign-in during which it counts as fresh; 0: always.
        STATELESS: the sessions that the API opens have no row: the cookie of COOKIE_CACHE, on
            then, is the session. The sessions of Django's ``login()`` stay where they are.
        COOKIE_CACHE: see its class.
    """

    EXPIRES_IN: Positive = 604_800
    UPDATE_AGE: Count = 86_400
    FRESH_AGE: Count = 86_400
    STATELESS: bool = False
    COOKIE_CACHE: CookieCacheSettings = CookieCacheSettings()

    @property
    def cookie_cache(self) -> CookieCache:
        """COOKIE_CACHE with its defaults, which depend on STATELESS."""
        given = self.COOKIE_CACHE
        max_age = given.MAX_AGE or (self.EXPIRES_IN if self.STATELESS else 300)
        return CookieCache(
            ENABLED=given.ENABLED or self.STATELESS,
            STATELESS=self.STATELESS,
            MAX_AGE=max_age,
            UPDATE_AGE=max_age // 5 if given.UPDATE_AGE is None else given.UPDATE_AGE,
            STRATEGY=given.STRATEGY or ("jwe" if self.STATELESS else "compact"),
            VERSION=given.VERSION,
            REVOKE_AT_ONCE=given.REVOKE_AT_ONCE,
            CACHE=given.CACHE,
        )

    @property
    def life(self) -> int:
        """Seconds for which a session lasts; a stateless one no longer than its cookie."""
        return (
            min(self.EXPIRES_IN, self.cookie_cache.MAX_AGE) if self.STATELESS else self.EXPIRES_IN
        )


class ProofSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PROOF"]``: local-first identity proofs at sign-up.

    Attributes:
        REQUIRED: refuse a sign-up without a proof.
        AUDIENCE: what a proof must be made out to; None: the app id.
        MAX_AGE: seconds after its issue for which a proof is taken.
        ALLOW_ANONYMOUS: accept proofs of anonymous identities as well.
    """

    REQUIRED: bool = False
    AUDIENCE: Text | None = None
    MAX_AGE: Positive = 300
    ALLOW_ANONYMOUS: bool = False


class PasswordSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PASSWORD"]``: lengths, in characters, that sign-up accepts."""

    MIN_LENGTH: Positive = 8
    MAX_LENGTH: Positive = 128


class HashingSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["HASHING"]``: the threads of each process that hash passwords.

    Attributes:
        THREADS: how many passwords are hashed at a time. None: one less than the process has cores,
            and at least one.
        QUEUE: how many more may wait for that; the next are refused with 429. Each holds the thread
            that answers its request: a server needs more of these than THREADS and QUEUE together.
    """

    THREADS: Positive | None = None
    QUEUE: Count = 2


class EmailVerificationSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["EMAIL_VERIFICATION"]``.

    Attributes:
        ENABLED: send mails by which owners prove that an address is theirs.
        REQUIRED: no sign-in with a password before that. A sign-up then gives no session, and its
            answer does not say whether the address has an account already.
        SEND_ON_SIGN_UP: send one at sign-up; None: if REQUIRED.
        SEND_ON_SIGN_IN: send another when an unverified user is turned away.
        SIGN_IN_AFTER: following the link signs its owner in.
        EXPIRES_IN: seconds for which a link works.
    """

    ENABLED: bool = True
    REQUIRED: bool = False
    SEND_ON_SIGN_UP: bool | None = None
    SEND_ON_SIGN_IN: bool = False
    SIGN_IN_AFTER: bool = False
    EXPIRES_IN: Positive = 3600


class PasswordResetSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PASSWORD_RESET"]``.

    Attributes:
        ENABLED: send mails by which a forgotten password is replaced.
        REVOKE_SESSIONS: end all sessions of the user then.
        EXPIRES_IN: seconds for which a link works, once.
    """

    ENABLED: bool = True
    REVOKE_SESSIONS: bool = False
    EXPIRES_IN: Positive = 3600


class ChangeEmailSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["CHANGE_EMAIL"]``.

    Attributes:
        ENABLED: users may change their address.
        CONFIRM_AT_OLD_ADDRESS: a verified old address has to agree first.
        WITHOUT_VERIFICATION: an address that was never verified is replaced at once.
    """

    ENABLED: bool = False
    CONFIRM_AT_OLD_ADDRESS: bool = True
    WITHOUT_VERIFICATION: bool = False


class DeleteUserSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["DELETE_USER"]``.

    Attributes:
        ENABLED: users may delete their account.
        CONFIRM_BY_MAIL: only after they have followed a link in a mail.
        EXPIRES_IN: seconds for which that link works, once.
    """

    ENABLED: bool = False
    CONFIRM_BY_MAIL: bool = False
    EXPIRES_IN: Positive = 86_400


class RateRule(Group, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of ``JAZZAUTH["RATE_LIMIT"]["RULES"]``.

    Attributes:
        WINDOW: seconds; counting starts anew when nothing was counted for as long.
        MAX: requests that are counted before the next are refused.
    """

    WINDOW: Positive
    MAX: Positive


class RateLimitSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["RATE_LIMIT"]``: requests of one address to one path.

    Attributes:
        ENABLED: None: unless ``DEBUG``.
        WINDOW: seconds, of the rule for paths that have none of their own.
        MAX: requests, of that rule.
        RULES: rules of the project by path, ``"/sign-in/email"`` or ``"/sign-in/*"``, the first
            that fits; None instead of a rule lifts the limit.
        CACHE: alias in ``CACHES``. With the default local memory each process counts alone.
    """

    ENABLED: bool | None = None
    WINDOW: Positive = 10
    MAX: Positive = 100
    RULES: dict[str, RateRule | None] = msgspec.field(default_factory=dict)
    CACHE: Text = "default"


class CheckpointSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["CHECKPOINT"]``: signed statements of what the log contains.

    Attributes:
        ORIGIN: name of the log in its checkpoints, such as ``example.org/accounts``, without blanks
            and plus signs. It is fixed with the first checkpoint. None: the host of BASE_URL and a
            random part.
        FILE: where the newest checkpoint is kept, outside the database and its backups.
            ``jazzauth checkpoint`` writes it; at its first request a server compares the database
            with it.
        URL: where ``jazzauth checkpoint`` posts it to as well.
        INTERVAL: seconds between two checkpoints of ``jazzauth checkpoint --watch``; ``doctor``
            warns when the newest is more than twice as old. Nothing else starts by it.
        ON_ROLLBACK: what happens when the database was rolled back behind FILE: ``refuse``
            requests, or begin a ``new-generation``, in which all sessions and JWTs from before are
            void.
    """

    ORIGIN: Annotated[str, Meta(pattern=r"^[^\s+]{1,160}$")] | None = None
    FILE: Text | None = None
    URL: Text | None = None
    INTERVAL: Positive | None = None
    ON_ROLLBACK: Literal["refuse", "new-generation"] = "refuse"
