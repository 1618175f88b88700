"""JWTs: signing keys and their rotation, the tokens themselves, and the published key set.

* :mod:`.models`: the stored key pairs (private halves sealed).
* :mod:`.algorithms`: what may sign, and how keys of each kind are made.
* :mod:`.keys`: which key signs now, which are published, rotation; cached per process.
* :mod:`.claims`, :mod:`.presets`: what a token says.
* :mod:`.signing`: tokens out of claims, and back.
* :mod:`.jwks`: the key set as published (RFC 7517).
* :mod:`.external`: tokens of other issuers.
* :mod:`.remote_keys`, :mod:`.verification_keys`, :mod:`.fetching`: their published keys.
"""
