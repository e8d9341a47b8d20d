"""CustomResourceDefinitions of the group `holdfast.dev`: what Argo CD has no place for."""

from holdfast.schema.own_crds.pause import own_crd_manifests

__all__ = ["own_crd_manifests"]
