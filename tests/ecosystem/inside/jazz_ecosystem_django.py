"""Settings for Django's ``runtests.py``: its own example settings, with a database of the run's."""

from jazz_ecosystem_env import databases, jazzauth

DATABASES = databases("default", "other")
JAZZAUTH = jazzauth()
SECRET_KEY = "django_tests_secret_key"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = "jazz_ecosystem_runner.RecordingRunner"
