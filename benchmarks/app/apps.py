"""The app with stock Django's side of the comparison."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    """``StockUser`` lives here."""

    name = "benchmarks.app"
    label = "benchmarks_app"
