"""What was applied, on disk: after a start drift is healed before git has been read.

A file beside the journal holds, for each Application, the manifests of its last successful sync,
compressed. It is a hint and no more (docs/internals/argocd/apply.md C3): everything that decides
what those manifests are (sources, revisions, destination, ignore rules, settings …) is in a
fingerprint, and where it differs, or the file is missing, old or damaged, git is read as ever.
Secrets are never in it: their values rest in a vault of this process alone (B3).
"""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Mapping

import orjson

from holdfast.controller.desired import DesiredStates, Wanted
from holdfast.controller.state import AppState, Registry, Target
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.kinds import SECRET
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import Clock, HintStore

log = logging.getLogger(__name__)

FORMAT = 1
_WRITE_EVERY_S = 5.0
_TOGETHER = 20  # Applications that are packed before others may run
_LEVEL = 6


class Hints:
    """Keeps the file true, and reads it after a start."""

    def __init__(
        self, store: HintStore | None, desired: DesiredStates, registry: Registry, clock: Clock
    ) -> None:
        """Know nothing before `load`; without a store nothing is kept."""
        self._store = store
        self._desired = desired
        self._registry = registry
        self._clock = clock
        self._kept: dict[AppKey, bytes] = {}
        self._noted: dict[AppKey, str] = {}
        self._changed: set[AppKey] = set()
        self._news = asyncio.Event()

    async def load(self) -> None:
        """Read the file; whatever is wrong with it costs time and nothing else."""
        if self._store is None:
            return
        try:
            raw = await self._store.read()
            self._kept = dict(_parse(raw)) if raw else {}
        except (OSError, ValueError, zlib.error) as error:
            log.warning("what was applied is read from git, not from the file: %s", error)
            self._kept = {}

    def find(self, state: AppState, wanted: Wanted) -> Mapping[ResourceKey, Target] | None:
        """Return the targets of an Application at given revisions, None when they are not known."""
        app = state.application
        packed = self._kept.get(app.key)
        if packed is None:
            return None
        try:
            tree = orjson.loads(zlib.decompress(packed))
            if tree["fingerprint"] != self._desired.fingerprint(app, wanted, wanted.revisions):
                return None
            revision = wanted.revisions[0]
            targets = [self._desired.target_again(app, item, revision) for item in _manifests(tree)]
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            log.warning("the hint for app=%s is damaged: %s", app.key, error)
            self._kept.pop(app.key, None)
            return None
        self._noted[app.key] = tree["fingerprint"]
        return {target.manifest.key: target for target in targets}

    def note(self, state: AppState, wanted: Wanted) -> None:
        """An Application stands at these revisions; `state.desired` is what they declare."""
        desired = state.desired
        if self._store is None or desired is None or desired.revisions != wanted.revisions:
            return
        if self._noted.get(state.key) == desired.fingerprint:
            return
        self._noted[state.key] = desired.fingerprint
        self._changed.add(state.key)
        self._news.set()

    async def keep(self) -> None:
        """Write the file when something has changed; runs until cancelled."""
        store = self._store
        if store is None:
            return
        while True:
            await self._news.wait()
            self._news.clear()
            await self._clock.sleep(_WRITE_EVERY_S)
            await self._pack_changed()
            for key in [key for key in self._kept if key not in self._registry.apps]:
                del self._kept[key]
                self._noted.pop(key, None)
            try:
                await store.write(_compose(self._kept))
            except OSError as error:
                log.warning("what was applied cannot be kept: %s", error)

    async def _pack_changed(self) -> None:
        changed, self._changed = self._changed, set()
        for place, key in enumerate(sorted(changed)):
            if place % _TOGETHER == 0:
                await self._clock.sleep(0)  # heals must not wait for this
            state = self._registry.apps.get(key)
            desired = state.desired if state is not None else None
            if desired is None:
                continue
            tree: Tree = {
                "fingerprint": desired.fingerprint,
                "targets": [
                    target.manifest.tree
                    for found, target in desired.manifests.items()
                    if found.group_kind != SECRET
                ],
            }
            self._kept[key] = zlib.compress(orjson.dumps(tree), _LEVEL)


def _manifests(tree: Tree) -> list[Manifest]:
    return [Manifest(item) for item in tree["targets"]]


def _compose(kept: Mapping[AppKey, bytes]) -> bytes:
    """Return the file: a line of JSON that says how long each block is, then the blocks."""
    index = [[key.namespace, key.name, len(block)] for key, block in kept.items()]
    blocks = b"".join(kept.values())
    head = {"format": FORMAT, "checksum": zlib.crc32(blocks), "apps": index}
    return orjson.dumps(head) + b"\n" + blocks


def _parse(raw: bytes) -> Iterable[tuple[AppKey, bytes]]:
    first, _, blocks = raw.partition(b"\n")
    head = orjson.loads(first)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ValueError("it has another format")
    if zlib.crc32(blocks) != head.get("checksum"):
        raise ValueError("it is damaged")
    at, found = 0, []
    for namespace, name, length in head["apps"]:
        found.append((AppKey(namespace, name), blocks[at : at + length]))
        at += length
    return found
