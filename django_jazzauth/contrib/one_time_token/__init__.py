"""One-time tokens: a session handed on to another browser or device by a short-lived token."""
