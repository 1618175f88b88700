"""Who may open the store: workers, epochs, grants, data keys.

One 32-byte worker secret outside the database opens everything. HPKE grants hand the key of an
*epoch* to each worker; everything else is derived from it or wrapped under it.
"""
