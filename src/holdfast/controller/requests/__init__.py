"""What people ask, carried out straight against the cluster: `Commands` and `Queries`.

Purpose:    write what `argocd --core` writes (docs/internals/argocd/api.md §4.9.4), refuse as it
            refuses (§1.6), and answer from the cluster and from git, with no server in between.
Takes:      ports only.
Gives:      `commands.DirectCommands`, `queries.DirectQueries`.
Invariants: every write of an object that was read carries its resourceVersion; nothing is ever
            written into a declared object (dry runs only); Secrets leave masked.
Gotchas:    fields are changed by JSON patch, never by PUT: last-applied annotations are sealed, and
            a whole object that was read cannot be written back (apply.md B3).
"""
