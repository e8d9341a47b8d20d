"""Optimistic locking of JSON patches: the server refuses (409) when the object has moved."""

from collections.abc import Sequence

from holdfast.domain.manifest import Manifest, Tree


def locked(before: Manifest, steps: Sequence[Tree]) -> list[Tree]:
    """Return a patch that holds only for the version that was read.

    A patched object whose resourceVersion differs from the stored one is a conflict; a `test` step
    would say the same with 422, like any invalid patch.
    """
    lock = {"op": "replace", "path": "/metadata/resourceVersion", "value": before.resource_version}
    return [lock, *steps]
