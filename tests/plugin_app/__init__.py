"""A plugin that uses every part of the seam; only the tests of the seam install it."""
