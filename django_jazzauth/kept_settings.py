"""Single settings of Django's, for code that asks for them many times in a request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


class KeptSetting:
    """A setting whose value is an attribute, not two calls: Django's settings are a lazy object.

    It is read when it is first asked for, and anew after ``override_settings``.

    Args:
        name: of the setting.
    """

    value: Any

    def __init__(self, name: str) -> None:
        self._name = name
        setting_changed.connect(self._look_again)

    def __getattr__(self, name: str) -> Any:
        if name != "value":
            raise AttributeError(name)
        self.value = getattr(settings, self._name)
        return self.value

    def _look_again(self, *, setting: str, **kwargs: Any) -> None:
        if setting == self._name:
            self.__dict__.pop("value", None)


DEBUG = KeptSetting("DEBUG")
USE_TZ = KeptSetting("USE_TZ")
