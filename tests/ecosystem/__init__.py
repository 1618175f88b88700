"""The ecosystem suite: other projects' own tests, run on stock Django and with our models in it."""
