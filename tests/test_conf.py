from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_jazzauth.conf import Settings, get_settings, read_settings, while_settings_hold
from django_jazzauth.errors import ImproperSettings

DEFAULTS = {
    "WORKER_SECRET": None,
    "WORKER_SECRET_FILE": None,
    "HPKE_SUITE": "mlkem768-x25519",
    "BASE_URL": None,
    "APP_ID": None,
    "COOKIE_PREFIX": "better-auth",
    "USE_SECURE_COOKIES": None,
    "TRUSTED_ORIGINS": (),
    "TRUSTED_PROXIES": (),
    "SCAN_LIMIT": 10_000,
    "ORDER_LIMIT": 10_000,
    "MEMO_SIZE": 4_000,
    "TAMPERED": "refuse",
    "SQLITE_SYNCHRONOUS": "NORMAL",
}

GROUPS = {
    "JWT": {"ALGORITHM": "EdDSA", "ISSUER": None, "AUDIENCE": None, "LIFETIME": 900},
    "SESSION": {"EXPIRES_IN": 604_800, "UPDATE_AGE": 86_400, "FRESH_AGE": 86_400},
    "PROOF": {"REQUIRED": False, "AUDIENCE": None, "MAX_AGE": 300, "ALLOW_ANONYMOUS": False},
    "PASSWORD": {"MIN_LENGTH": 8, "MAX_LENGTH": 128},
}


def test_defaults():
    settings = read_settings({})
    for name, value in DEFAULTS.items():
        assert getattr(settings, name) == value
    for group, values in GROUPS.items():
        for name, value in values.items():
            assert getattr(getattr(settings, group), name) == value


def test_what_is_given_is_taken():
    settings = read_settings(
        {
            "WORKER_SECRET_FILE": Path("/run/secrets/worker"),
            "TRUSTED_ORIGINS": ["https://a.example", "https://b.example"],
            "TRUSTED_PROXIES": ("10.0.0.0/8",),
            "SECRET": "of my own",
            "JWT": {"LIFETIME": 60},
            "SESSION": {"FRESH_AGE": 0},
            "BASE_URL": "https://example.org",
            "USE_SECURE_COOKIES": True,
        }
    )
    assert settings.WORKER_SECRET_FILE == "/run/secrets/worker"
    assert settings.TRUSTED_ORIGINS == ("https://a.example", "https://b.example")
    assert settings.TRUSTED_PROXIES == ("10.0.0.0/8",)
    assert settings.SECRET == "of my own"
    assert (settings.JWT.LIFETIME, settings.JWT.ALGORITHM) == (60, "EdDSA")
    assert settings.SESSION.FRESH_AGE == 0
    assert settings.BASE_URL == "https://example.org"
    assert settings.USE_SECURE_COOKIES is True


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"SCAN_LIMT": 1},
            r'JAZZAUTH\["SCAN_LIMT"\] .* mean SCAN_LIMIT\? .* takes: WORKER_SECRET, ',
        ),
        ({"scan_limit": 1}, r"Did you mean SCAN_LIMIT"),
        ({"XYZZY": 1}, r'JAZZAUTH\["XYZZY"\] is not a setting. Remove or rename'),
        ({3: 1}, r'JAZZAUTH\["3"\] is not a setting'),
        ({"JWT": {"ISSUR": ""}}, r'JAZZAUTH\["JWT"\]\["ISSUR"\] .* mean ISSUER\? .*ALGORITHM'),
        ({"JWT": 5}, r'JAZZAUTH\["JWT"\] must be a dict, not int'),
        ([], r"JAZZAUTH must be a dict, not list"),
        (None, r"JAZZAUTH must be a dict, not NoneType"),
        ({"SCAN_LIMIT": "10"}, r'\["SCAN_LIMIT"\]: Expected `int`, got `str`. Correct it'),
        ({"SCAN_LIMIT": True}, r"Expected `int`, got `bool`"),
        ({"SCAN_LIMIT": -1}, r"Expected `int` >= 0"),
        ({"JWT": {"LIFETIME": 0}}, r'\["JWT"\]\["LIFETIME"\]: Expected `int` >= 1'),
        ({"TAMPERED": "ignore"}, r"Choose one of 'refuse', 'report'"),
        ({"HPKE_SUITE": "p256"}, r"Choose one of 'mlkem768-x25519', 'x25519'"),
        ({"SQLITE_SYNCHRONOUS": "OFF"}, r"'NORMAL', 'FULL'"),
        ({"TRUSTED_ORIGINS": "https://a.example"}, r"Expected `list`, got `str`"),
        ({"TRUSTED_ORIGINS": [1]}, r"Expected `str`, got `int`"),
        ({"USE_SECURE_COOKIES": 1}, r"Expected `bool | None`"),
        ({"APP_ID": ""}, r"length >= 1"),
        ({"BASE_URL": "example.org"}, r'\["BASE_URL"\] must begin with https://'),
        ({"PASSWORD": {"MIN_LENGTH": 200}}, r"MIN_LENGTH is above MAX_LENGTH"),
    ],
)
def test_mistakes_are_named(given, reason):
    with pytest.raises(ImproperSettings, match=reason) as caught:
        read_settings(given)
    assert isinstance(caught.value, ImproperlyConfigured)
    assert caught.value.code == "IMPROPER_SETTINGS"


@pytest.mark.parametrize("name", ["WORKER_SECRET", "SECRET"])
def test_secrets_are_not_repeated(name):
    with pytest.raises(ImproperSettings) as caught:
        read_settings({name: b"hush-hush"})
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(read_settings({name: "hush-hush"}))


def test_overriding_is_honoured():
    with override_settings(JAZZAUTH={"SCAN_LIMIT": 7}):
        assert get_settings().SCAN_LIMIT == 7
        assert get_settings() is get_settings()
        with override_settings(JAZZAUTH={"SCAN_LIMIT": 8}):
            assert get_settings().SCAN_LIMIT == 8
        assert get_settings().SCAN_LIMIT == 7


def test_a_mistake_is_found_on_use():
    with override_settings(JAZZAUTH={"SCAN_LIMIT": "many"}):
        for _ in range(2):
            with pytest.raises(ImproperSettings):
                get_settings()


def test_without_any_settings():
    with override_settings():
        del django_settings.JAZZAUTH
        assert get_settings().SCAN_LIMIT == 10_000


def test_the_server_secret_follows_from_djangos():
    with override_settings(SECRET_KEY="one" * 20):
        one = get_settings().SECRET
        assert one == get_settings().SECRET and len(one) == 64
        assert "one" not in one
    with override_settings(SECRET_KEY="two" * 20):
        other = get_settings().SECRET
    assert other != one


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        get_settings().SCAN_LIMIT = 1
    with pytest.raises(AttributeError):
        get_settings().JWT.LIFETIME = 1


def test_every_setting_is_described():
    assert all(f"{name}" in (Settings.__doc__ or "") for name in Settings.__struct_fields__)


def test_what_is_made_of_the_settings_is_remembered_unless_the_key_is_long() -> None:
    made: list[str] = []

    @while_settings_hold
    def make(settings: Settings, key: str) -> str:
        made.append(key)
        return f"{settings.COOKIE_PREFIX} {key}"

    long = "k" * 501
    assert [make("k"), make("k"), make(long), make(long)] == [
        *["better-auth k"] * 2,
        *[f"better-auth {long}"] * 2,
    ]
    assert made == ["k", long, long]
    with override_settings(JAZZAUTH={"COOKIE_PREFIX": "other"}):
        assert make("k") == "other k"
