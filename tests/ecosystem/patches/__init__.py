"""The edits that turn an unpacked distribution into the one that is tested."""
