"""Models of the golden databases. They only change as a project's would: by migrations."""
