"""Rows of `/api/holdfast/v1`: what Argo CD does not have."""
