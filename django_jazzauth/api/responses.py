"""The answers of endpoints: DRF's, without what is known beforehand."""

from __future__ import annotations

from rest_framework.response import Response as RestResponse


class Response(RestResponse):
    """DRF's response. Its text is UTF-8, whatever ``DEFAULT_CHARSET`` says: so JSON has to be."""

    # Django looks it up in the headers and the settings, several times per answer.
    charset = "utf-8"
