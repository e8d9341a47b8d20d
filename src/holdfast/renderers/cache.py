"""Rendered results, kept by what determines them, bounded in bytes."""

import hashlib
import json
from collections import OrderedDict

from holdfast.domain.source import Checkout, RenderContext, Rendered, Source


def cache_key(checkout: Checkout, source: Source, context: RenderContext) -> str:
    """Return a digest of everything that a render may depend on.

    The revision stands for the files. The repository's URL and the target revision matter too,
    since `$ARGOCD_APP_SOURCE_…` can bring them into a manifest.
    """
    parts = [
        checkout.revision,
        checkout.repo_url,
        source.tree,
        context.app_instance,
        context.app_name,
        context.destination_namespace,
        context.project,
        context.kube_version,
        sorted(context.api_versions),
        sorted(context.settings),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class RenderCache:
    """The results that were used last; the oldest go first."""

    def __init__(self, limit_bytes: int) -> None:
        """Start empty.

        Args:
            limit_bytes: Sum of the results' sizes as JSON (decoded trees take about 5 times that).
        """
        self._limit = limit_bytes
        self._size = 0
        self._kept: OrderedDict[str, tuple[Rendered, int]] = OrderedDict()

    def find(self, key: str) -> Rendered | None:
        """Return a result and make it the youngest."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def keep(self, key: str, rendered: Rendered, size_bytes: int) -> None:
        """Keep a result; one that is larger than the whole cache is not kept."""
        self.drop(key)
        if size_bytes > self._limit:
            return
        self._kept[key] = (rendered, size_bytes)
        self._size += size_bytes
        while self._size > self._limit:
            _, (_, size) = self._kept.popitem(last=False)
            self._size -= size

    def drop(self, key: str) -> None:
        """Forget one result."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept[1]

    def clear(self) -> None:
        """Forget everything (refresh `hard`)."""
        self._kept.clear()
        self._size = 0
