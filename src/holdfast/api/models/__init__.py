"""Shapes of requests and answers (docs/internals/argocd/api.md §1.5-§1.8), as pydantic models."""
