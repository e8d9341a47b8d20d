"""Live drift, taken into the files that git holds: text edits, and patches for kustomize.

Purpose:    turn what people changed in the cluster into the smallest change of the source, with
            comments, order, quotes and every other line kept as they are.
Takes:      objects (declared, live, predicted), and texts with the places of their values
            (`domain.text_nodes`; the loader's marks come in as plain data).
Gives:      `changes` what is drift and worth adopting; `edit_tree` a tree with it; `rewrite` the
            text with it; `patches` a kustomize patch with it; `unified_diff` for people.
Invariants: pure; nothing that is not changed is written again; what cannot be edited in place
            raises `CannotEditError` with a reason for people, never guesses.
Gotchas:    the caller proves each result: it parses the edited text and compares trees, renders
            the edited files, and compares the objects.
"""
