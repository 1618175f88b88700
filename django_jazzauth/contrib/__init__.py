"""Plugins: Django apps that add endpoints and more to the API. The core imports none of them."""
