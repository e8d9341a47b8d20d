"""The HTTP API and the page: routes, sign-in, roles, streams. Nothing is decided here.

What can be asked is the closed unions of `domain.commands` and `domain.queries`; this room turns
requests into them and answers into JSON, as docs/internals/argocd/api.md says.
"""
