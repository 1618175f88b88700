"""The page of the example project, in a real browser against a real server."""
