"""Rendered results, kept by what determines them, bounded in bytes."""

import hashlib
import json
import zlib
from collections import OrderedDict
from dataclasses import dataclass

from holdfast.domain.source import Checkout, RenderContext, Source, SourceType

_PACKED_BYTES = 128 * 1024  # more is kept as it is: compressing it would hold the event loop


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


@dataclass(frozen=True, slots=True)
class _Kept:
    """One answer."""

    tool: SourceType
    data: bytes
    is_packed: bool


class RenderCache:
    """The answers of workers that were used last, compressed; the oldest go first.

    Decoded, a result takes five times its JSON; compressed, a fifth. It is decoded anew at each
    use: that happens once for most of them.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Start empty.

        Args:
            limit_bytes: Sum of the answers' sizes as they are kept.
        """
        self._limit = limit_bytes
        self._size = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def find(self, key: str) -> tuple[SourceType, bytes] | None:
        """Return the tool and its answer, and make them the youngest."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept.tool, zlib.decompress(kept.data) if kept.is_packed else kept.data

    def keep(self, key: str, tool: SourceType, answer: bytes) -> None:
        """Keep an answer; one that is larger than the whole cache is not kept."""
        self.drop(key)
        is_packed = len(answer) <= _PACKED_BYTES
        data = zlib.compress(answer, 1) if is_packed else answer
        if len(data) > self._limit:
            return
        self._kept[key] = _Kept(tool, data, is_packed)
        self._size += len(data)
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.data)

    def drop(self, key: str) -> None:
        """Forget one result."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= len(kept.data)

    def clear(self) -> None:
        """Forget everything (refresh `hard`)."""
        self._kept.clear()
        self._size = 0
