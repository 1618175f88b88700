"""What is done from the command line, and what the admin shares with it."""
