"""Flags that stand for keys of `argocd-cmd-params-cm`: refused before anything is served."""

from collections.abc import Mapping

from holdfast.api.root_path import BASE, ROOT, read_root
from holdfast.assembly.tls_limits import check_limits


def check_given(given: Mapping[str, str]) -> None:
    """Refuse values that are no good.

    Raises:
        ValueError: which one, in words for people.
    """
    for key in (ROOT, BASE):
        read_root(given.get(key, ""))
    check_limits(given)
