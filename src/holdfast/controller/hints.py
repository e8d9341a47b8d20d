"""What was applied, on disk: after a start drift is healed before git has been read.

A file beside the journal holds, for each Application, the manifests of its last successful sync,
compressed, and the echoes of those objects that do not show by themselves that they are in sync: an
admission webhook rewrote an image, a port was allocated. Without its echo such an object would look
drifted at each start.

It is a hint and no more (docs/internals/argocd/apply.md C3): everything that decides what those
manifests are (sources, revisions, destination, ignore rules, settings …) is in a fingerprint, and
where it differs, or the file is missing, old or damaged, git is read as ever.
Secrets are never in it: their values rest in a vault of this process alone (B3).

The file is the only place where it rests. Each write reads it, replaces what has changed, and packs
anew what should be in it and is not: somebody removed or damaged it meanwhile.
"""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson

from holdfast.controller.desired import DesiredStates, Wanted
from holdfast.controller.packing import echo_of, echo_tree
from holdfast.controller.remembered import Target
from holdfast.controller.state import AppState, Desired, Registry
from holdfast.diffing.cold_start import declared_is_live
from holdfast.diffing.echo import Echo
from holdfast.diffing.ignore import without_ignored
from holdfast.domain.identity import AppKey, ResourceKey, Uid
from holdfast.domain.kinds import SECRET
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import Clock, HintStore

log = logging.getLogger(__name__)

FORMAT = 1
_WRITE_EVERY_S = 5.0
_TOGETHER = 20  # objects that are packed before others may run
_LEVEL = 6
_NO_UIDS: Mapping[ResourceKey, Uid] = MappingProxyType({})  # one for all: most have none
_UNREADABLE = (OSError, ValueError, zlib.error)
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error)


@dataclass(frozen=True, slots=True)
class Known:
    """What had been applied when the last process ended.

    Attributes:
        targets: By object.
        echoes: Of objects that are not stored as they are declared.
    """

    targets: Mapping[ResourceKey, Target]
    echoes: Mapping[ResourceKey, Echo]


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the file holds of an Application, or will soon.

    Attributes:
        fingerprint: Of what is declared.
        uids: Of the objects whose echo is in it; `""` for one that is gone at present.
    """

    fingerprint: str
    uids: Mapping[ResourceKey, Uid]


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
        self._found: dict[AppKey, bytes] = {}  # from `load` to `close`
        self._noted: dict[AppKey, _Noted] = {}
        self._changed: set[AppKey] = set()
        self._news = asyncio.Event()

    async def load(self) -> None:
        """Read the file; whatever is wrong with it costs time and nothing else."""
        if self._store is None:
            return
        try:
            self._found = await _read(self._store)
        except _UNREADABLE as error:
            log.warning("what was applied is read from git, not from the file: %s", error)

    def close(self) -> None:
        """Let go of what `load` read: from now on it rests in the file alone."""
        self._found = {}

    def find(self, state: AppState, wanted: Wanted) -> Known | None:
        """Return what was applied for an Application at given revisions, None if unknown.

        Between `load` and `close`.
        """
        app = state.application
        packed = self._found.get(app.key)
        if packed is None:
            return None
        try:
            tree = orjson.loads(zlib.decompress(packed))
            if tree["fingerprint"] != self._desired.fingerprint(app, wanted, wanted.revisions):
                return None
            revision = wanted.revisions[0]
            targets = [self._desired.target_again(app, item, revision) for item in _manifests(tree)]
            echoes = dict(_echoes(tree))
        except _DAMAGED as error:
            log.warning("the hint for app=%s is damaged: %s", app.key, error)
            return None
        uids = {key: echo.uid for key, echo in echoes.items()}
        self._noted[app.key] = _Noted(tree["fingerprint"], uids or _NO_UIDS)
        return Known({target.manifest.key: target for target in targets}, echoes)

    def note(self, state: AppState, wanted: Wanted) -> None:
        """An Application stands at these revisions; `state.desired` is what they declare."""
        desired = state.desired
        if self._store is None or desired is None or desired.revisions != wanted.revisions:
            return
        known = self._noted.get(state.key)
        if known is None or known.fingerprint != desired.fingerprint:
            self._noted[state.key] = _Noted(desired.fingerprint, _NO_UIDS)
        elif all(self._uid(key) == uid for key, uid in known.uids.items()):
            return
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
            known = await self._read_again(store)
            fresh = await self._pack_changed()
            for key in [key for key in self._noted if key not in self._registry.apps]:
                del self._noted[key]
            kept = {k: v for k, v in {**known, **fresh}.items() if k in self._registry.apps}
            try:
                await store.write(_compose(kept))
            except OSError as error:
                log.warning("what was applied cannot be kept: %s", error)
                self._changed |= fresh.keys()

    async def _read_again(self, store: HintStore) -> dict[AppKey, bytes]:
        """Return what the file holds; what should be in it and is not is written anew."""
        try:
            known = await _read(store)
        except _UNREADABLE as error:
            log.warning("what was applied is written anew: %s", error)
            known = {}
        self._changed |= self._noted.keys() - known.keys()
        return known

    async def _pack_changed(self) -> dict[AppKey, bytes]:
        fresh: dict[AppKey, bytes] = {}
        changed, self._changed = self._changed, set()
        for key in sorted(changed):
            state = self._registry.apps.get(key)
            desired = state.desired if state is not None else None
            if desired is None:
                continue
            echoes = await self._echoes_of(key, desired)
            tree: Tree = {
                "fingerprint": desired.fingerprint,
                "echoes": [[*_names(found), echo_tree(echo)] for found, echo in echoes.items()],
                "targets": [
                    target.manifest.tree
                    for found, target in desired.manifests.items()
                    if found.group_kind != SECRET
                ],
            }
            fresh[key] = zlib.compress(orjson.dumps(tree), _LEVEL)
        return fresh

    async def _echoes_of(self, app: AppKey, desired: Desired) -> dict[ResourceKey, Echo]:
        """Return the echoes without which objects would look drifted, and take note of them."""
        found: dict[ResourceKey, Echo] = {}
        for place, (key, target) in enumerate(desired.manifests.items()):
            if place % _TOGETHER == 0:
                await self._clock.sleep(0)  # heals must not wait for this
            echo = self._echo_of(key, target) if key.group_kind != SECRET else None
            if echo is not None:
                found[key] = echo
        before = self._noted.get(app)
        uids = {key: echo.uid for key, echo in found.items()}
        if before is not None and before.fingerprint == desired.fingerprint:
            # One that is gone at present is worth another look when it is back.
            uids = {key: self._uid(key) for key in before.uids} | uids
        self._noted[app] = _Noted(desired.fingerprint, uids or _NO_UIDS)
        return found

    def _echo_of(self, key: ResourceKey, target: Target) -> Echo | None:
        """Return the echo of an object that is not stored as it is declared."""
        state = self._registry.objects.get(key)
        echo = state.find_echo(target) if state is not None else None
        if echo is None or state is None or state.live is None:
            return None
        live = without_ignored(state.live.manifest, target.ignored)
        is_plain = declared_is_live(without_ignored(target.manifest, target.ignored), live)
        return None if is_plain else echo

    def _uid(self, key: ResourceKey) -> Uid:
        state = self._registry.objects.get(key)
        return state.live.uid if state is not None and state.live is not None else Uid("")


async def _read(store: HintStore) -> dict[AppKey, bytes]:
    raw = await store.read()
    return dict(_parse(raw)) if raw else {}


def _manifests(tree: Tree) -> list[Manifest]:
    return [Manifest(item) for item in tree["targets"]]


def _names(key: ResourceKey) -> tuple[str, str, str, str]:
    return key.group, key.kind, key.namespace, key.name


def _echoes(tree: Tree) -> Iterable[tuple[ResourceKey, Echo]]:
    for group, kind, namespace, name, echo in tree.get("echoes") or ():
        yield ResourceKey(group, kind, namespace, name), echo_of(echo)


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
