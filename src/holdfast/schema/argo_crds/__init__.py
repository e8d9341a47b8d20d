"""Our own model of Argo CD's three kinds, and the CustomResourceDefinitions made of it.

Purpose:    Application, AppProject and ApplicationSet with every field that users may write, so
            that an API server never prunes one.
Takes:      nothing.
Gives:      `crd_manifests()`, and examples that hold every field (`examples`).
Invariants: structural schemas; every object is closed, but for the parts that are free-form by
            design; no defaults, since an object must come back as it was written.
Gotchas:    Application has no status subresource: status and `operation` are written with the
            object. Lists have no keys: they are replaced as a whole.

Source: docs/internals/argocd/controller.md §1, docs/internals/argocd/api.md §1.8, §8.1.
"""

from holdfast.schema.argo_crds.manifests import crd_manifests

__all__ = ["crd_manifests"]
