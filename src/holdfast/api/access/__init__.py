"""Roles: who may do what, in Argo CD's policy grammar (docs/internals/argocd/api.md §3).

Takes `argocd-rbac-cm` and the roles of AppProjects; gives the port `api.ports.Roles`.

casbin holds the rules and the graph of roles; which rules a subject reaches is asked once, and
their patterns are compiled. casbin's own `enforce` takes 0.3 ms for the built-in rules alone and
grows with each line, far too long for a list of a thousand Applications; a property test shows that
both always say the same. Policies are read in a thread, never on the event loop.
"""
