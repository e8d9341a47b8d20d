"""Build targets with the types that fitting them takes (`planning.fitting`).

A type is needed seldom: for objects with look-alike list items, or under `Validate=false`. Those
of built-in kinds come from tables that are read on first use, so a thread does it; those of custom
resources are read from their definitions. Nothing is kept of these: definitions are large, renders
are few.
"""

import asyncio
import logging
from collections.abc import Sequence

from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import CRD
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import ClusterReader, Kinds
from holdfast.planning.definitions import FindKind, defined_kind, is_crd
from holdfast.planning.fitting import needs_type
from holdfast.planning.targets import Targets, TargetSettings, build_targets
from holdfast.schema.kinds import builtin_kinds
from holdfast.schema.types import Type, type_from_crd_schema

log = logging.getLogger(__name__)

_FORBIDDEN = "HF2002"
_BUILT_IN = frozenset(info.gvk for info in builtin_kinds())


async def build_in_thread(
    manifests: Sequence[Manifest], find_kind: FindKind, settings: TargetSettings
) -> Targets:
    """Return `build_targets` of them, off the event loop where types have to be looked at."""
    if any(needs_type(item, lenient=settings.lenient) for item in manifests):
        return await asyncio.to_thread(build_targets, manifests, find_kind, settings)
    return build_targets(manifests, find_kind, settings)


class Definitions:
    """Finds the types of kinds that are not built in."""

    def __init__(self, reader: ClusterReader, kinds: Kinds) -> None:
        """Keep the ports."""
        self._reader = reader
        self._kinds = kinds

    async def types_of(
        self, rendered: Sequence[Manifest], *, lenient: bool
    ) -> dict[GroupVersionKind, Type]:
        """Return the types of custom resources that fitting takes, as far as they can be known.

        Args:
            rendered: All manifests; a definition among them counts before the one that is live.
            lenient: `Validate=false` holds for all of them.

        Raises:
            ClusterError: a definition cannot be read at present. One that may not be read, or is
                not there, is left out: the server then judges the objects as they are.
        """
        custom = {item.gvk for item in rendered if needs_type(item, lenient=lenient)} - _BUILT_IN
        if not custom:
            return {}
        coming = {defined_kind(crd): crd for crd in rendered if is_crd(crd)}
        found = {}
        for gvk in sorted(custom):
            definition = coming.get(gvk.group_kind) or await self._read(gvk)
            made = _type_in(definition, gvk.version) if definition is not None else None
            if made is not None:
                found[gvk] = made
        return found

    async def _read(self, gvk: GroupVersionKind) -> Manifest | None:
        info = self._kinds.find(gvk)
        if info is None or not gvk.group:
            return None
        try:
            return await self._reader.get(CRD, "", f"{info.plural}.{gvk.group}")
        except ClusterError as error:
            if error.code != _FORBIDDEN:
                raise
            log.info("definition not readable kind=%s code=%s %s", gvk, error.code, error)
            return None


def _type_in(definition: Manifest, version: str) -> Type | None:
    versions = definition.at("spec", "versions")
    for item in versions if isinstance(versions, list) else ():
        if isinstance(item, dict) and item.get("name") == version:
            schema = (item.get("schema") or {}).get("openAPIV3Schema")
            keeps = definition.at("spec", "preserveUnknownFields") is True
            return type_from_crd_schema(schema, preserve_unknown_fields=keeps)
    return None
