"""Bearer tokens: the session token in ``Authorization``, for clients without cookies."""
