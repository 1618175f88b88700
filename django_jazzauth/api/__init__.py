"""The REST API under ``/api/auth/``, in Better Auth's wire format.

Better Auth's names, cookies and error bodies live here alone; the floors below do not know them.

* :mod:`.endpoint`: the base of every view: methods, bodies, origin rule, cookies, errors.
* :mod:`.wire`: objects as the client sees them.
* :mod:`.cookies`: signed cookies; :mod:`.cookie_cache`: the one that holds session and user.
* :mod:`.origin`: who may call; :mod:`.throttling`: how often.
* :mod:`.session_state`: the session behind a request. :mod:`.authentication`: the same for DRF.
* :mod:`.users`, :mod:`.passwords`: changing users. :mod:`.hooks`: a project's say in it.
* :mod:`.letters`: what mails say and which links they carry; :mod:`.mails`, :mod:`.outbox`: sending
  them. :mod:`.email_tokens`, :mod:`.verifications`: the tokens in them.
* :mod:`.fields`, :mod:`.serializers`: request bodies. :mod:`.errors`: error bodies.
* :mod:`.views`: the endpoints.
"""
