"""Exit codes of `argocd` (docs/internals/argocd/api.md §4.2), the only ones that commands use."""

OK = 0
USAGE = 1
"""Wrong arguments; a sync that did not succeed; a difference that `diff` found; prunes left."""
DIFF_ARGUMENTS = 2
"""`app diff` with a wrong number of arguments."""
FAILED = 20
"""Every error of the cluster, the repository or a tool, and time-outs of waiting."""
INTERRUPTED = 130
"""Ctrl-C where nothing says that it is the way to end (`up`, `run` end with 0)."""


def of_error(code: str) -> int:
    """Return the exit code of a HoldfastError's code."""
    return USAGE if code == _DATA_FOLDER_IN_USE else FAILED


_DATA_FOLDER_IN_USE = "HF3007"
