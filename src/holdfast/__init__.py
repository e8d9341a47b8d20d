"""Holdfast keeps a Kubernetes cluster equal to what git declares, and heals it in milliseconds."""

__version__ = "0.1.0"
