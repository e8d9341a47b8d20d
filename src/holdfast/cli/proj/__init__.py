"""`proj set|edit|add-…|remove-…|allow-…|deny-…`, `proj role …`, `proj windows …` (api.md §4.4).

`rewriting` reads a project, changes its spec and writes it; the others say what is changed.
"""
