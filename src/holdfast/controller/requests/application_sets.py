"""Read ApplicationSets, as they stand in the control namespace."""

from dataclasses import dataclass
from typing import assert_never

from holdfast.controller.requests.resources import events_about
from holdfast.domain.application_set import (
    APPLICATION_SET,
    AnySetQuery,
    GetApplicationSet,
    ListApplicationSetEvents,
    ListApplicationSets,
)
from holdfast.domain.manifest import JSON
from holdfast.domain.ports import ClusterReader, Kinds


@dataclass(frozen=True, slots=True)
class SetReads:
    """Reads; a cluster that does not know the kind has none."""

    reader: ClusterReader
    kinds: Kinds
    control_namespace: str

    async def answer(self, query: AnySetQuery) -> JSON:
        """Answer a question about ApplicationSets."""
        where = self.control_namespace
        match query:
            case ListApplicationSets():
                if not await self._is_known():
                    return []
                listed = await self.reader.list(APPLICATION_SET, where, query.selector)
                return [item.tree for item in sorted(listed.items, key=lambda item: item.name)]
            case GetApplicationSet():
                if not await self._is_known():
                    return None
                found = await self.reader.get(APPLICATION_SET, where, query.name)
                return found.tree if found is not None else None
            case ListApplicationSetEvents():
                kind = APPLICATION_SET.kind
                return list[JSON](await events_about(self.reader, where, kind, query.name, ""))
            case _:
                assert_never(query)

    async def _is_known(self) -> bool:
        if self.kinds.find(APPLICATION_SET) is None:
            await self.kinds.refresh()
        return self.kinds.find(APPLICATION_SET) is not None
