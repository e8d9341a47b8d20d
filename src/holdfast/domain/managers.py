"""Field managers that have a meaning to Holdfast (docs/internals/argocd/apply.md A4, A6)."""

HOLDFAST = "holdfast"
"""Ours: every write of a declared object is an apply by this manager."""

RELEASED = "holdfast-released"
"""Holds the value of a field that we let go, so that letting go does not reset it."""

ARGO_CD = "argocd-controller"
"""Argo CD's, whether it applies client-side (`Update`) or server-side (`Apply`)."""

PREVIOUS_APPLIERS = (
    ARGO_CD,
    "kubectl-client-side-apply",
    "kubectl-last-applied",
    "before-first-apply",
)
"""Whose entries hold what was declared before we took an object over."""
