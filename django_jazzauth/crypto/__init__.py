"""The cryptographic pieces: framing, key derivation, sealing, digests. Imports no Django.

Nothing here is home-made: AES-256-GCM, AES-256-GCM-SIV, AES-SIV, HKDF-SHA256, SHA-256 and HPKE come
from ``cryptography``. ``docs/format.md`` gives every byte.
"""
