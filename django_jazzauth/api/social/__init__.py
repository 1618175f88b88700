"""Signing in with an account elsewhere: OAuth 2.0 (RFC 6749) and OpenID Connect.

* :mod:`.definitions`: the providers that are known by name, as data.
* :mod:`.profile`: who somebody is at a provider.
* :mod:`.providers`: the providers of the settings, and their endpoints.
* :mod:`.protocol`: the conversation with a provider, by Authlib (extra ``social``).
* :mod:`.id_tokens`: ID tokens.
* :mod:`.state`: what has to be remembered while somebody is away at a provider.
* :mod:`.linking`: which user an account at a provider belongs to.
* :mod:`.bodies`, :mod:`.starting`, :mod:`.views`, :mod:`.account_views`: the endpoints.
"""
