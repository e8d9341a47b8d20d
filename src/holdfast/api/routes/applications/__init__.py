"""Rows on Applications (docs/internals/argocd/api.md §1.5, §1.6)."""
