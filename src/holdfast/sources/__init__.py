"""Repositories: revisions, files of a commit, what a commit says.

Purpose:    git over https, ssh and on local paths, through libgit2: no git program is needed.
Takes:      a `Source`.
Gives:      full SHAs, read-only checkouts (shared, cached), commit details, a call on changes.
Invariants: the event loop is never blocked; no credential reaches a message; nothing is read
            outside the allowed folders; a checkout holds no link that leaves it.
Gotchas:    a checkout lives as long as it is used now and then (`GitSources`, keep_s): whoever
            holds a path for an hour must ask again.
"""
