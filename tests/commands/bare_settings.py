"""Settings of somebody who checks proofs: no worker secret, no database."""

SECRET_KEY = "of no importance to who only checks"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "django_jazzauth",
]
AUTH_USER_MODEL = "django_jazzauth.User"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/db"}}
