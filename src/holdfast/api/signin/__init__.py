"""Sign-in: who a request comes from (docs/internals/argocd/api.md §2).

Takes `argocd-secret`, `argocd-cm` and the tokens of project roles; gives the ports
`api.ports.SignIn`, `Sessions`, `Accounts` and `Provider`.

Invariants: bcrypt runs in threads of its own; what is refused for a wrong name, a wrong password
or a lock reads and takes the same; a token is only ever read with the algorithm of its issuer;
a cookie counts for a change only from our own pages.
"""
