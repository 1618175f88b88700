"""A cookie that tells the sign-in page how somebody signed in last time."""
