"""What is remembered of an object at rest: what should be there, what is there, and the echo.

Tens of thousands of these are kept. Each is two halves: a text of its own (`packing`), which says
what no other object has, and a form that it shares with all objects that are alike. What is asked
for is unpacked at each call, in some tens of microseconds.

The echo of an object at rest takes no room: it is what the live object says at our fields. It is
kept by itself where that is not so: while the object has drifted, or some of its fields back off.
"""

from dataclasses import dataclass

from holdfast.controller.packing import (
    PackedEcho,
    learned,
    share,
    share_form,
    share_kind,
    split_uid,
    squeeze,
    unsqueeze,
)
from holdfast.diffing.canonical import manifest_hash
from holdfast.diffing.echo import Echo
from holdfast.diffing.ignore import IgnoredPaths, without_ignored
from holdfast.diffing.strictness import Strictness
from holdfast.domain.health import Health
from holdfast.domain.identity import GroupVersionKind, Uid
from holdfast.domain.manifest import Manifest

NOTHING_IGNORED = IgnoredPaths()
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class TargetForm:
    """What many targets have in common.

    Attributes:
        sample: What the manifest is packed against.
        gvk: Its version is the one in which the object is watched.
        revision: Commit that declared it.
        ignored: What ignore rules take out of comparison.
        strictness: How much beside the declared fields counts.
    """

    sample: bytes
    gvk: GroupVersionKind
    revision: str
    ignored: IgnoredPaths
    strictness: Strictness


@dataclass(frozen=True, slots=True)
class Target:
    """A manifest that should be, or was, applied to one object: canonical, tracked, sealed.

    Attributes:
        data: Its hash, then the manifest packed.
    """

    data: bytes
    form: TargetForm

    @classmethod
    def pack(
        cls,
        manifest: Manifest,
        revision: str,
        ignored: IgnoredPaths = NOTHING_IGNORED,
        strictness: Strictness = Strictness.DECLARED,
    ) -> "Target":
        """Keep a manifest in its final form."""
        data, sample = squeeze(manifest, "declared")
        form = TargetForm(
            sample,
            share_kind(manifest.gvk),
            share(revision),
            ignored or NOTHING_IGNORED,
            strictness,
        )
        return cls(bytes.fromhex(manifest_hash(manifest)) + data, share_form(form))

    @property
    def manifest(self) -> Manifest:
        """The manifest, unpacked anew at each call."""
        return unsqueeze(self.data[_HASH_BYTES:], self.form.sample)

    @property
    def hash(self) -> str:
        """Hash of the manifest."""
        return self.data[:_HASH_BYTES].hex()

    @property
    def gvk(self) -> GroupVersionKind:
        """Kind and version."""
        return self.form.gvk

    @property
    def revision(self) -> str:
        """Commit that declared it."""
        return self.form.revision

    @property
    def ignored(self) -> IgnoredPaths:
        """What ignore rules take out of comparison."""
        return self.form.ignored

    @property
    def strictness(self) -> Strictness:
        """How much beside the declared fields counts."""
        return self.form.strictness

    @property
    def is_strict(self) -> bool:
        """Whether fields that nobody declared count as drift."""
        return self.form.strictness is not Strictness.DECLARED

    def is_like(self, other: "Target | None") -> bool:
        """Whether both declare the same manifest, by whatever commit and rules."""
        return other is not None and self.data[:_HASH_BYTES] == other.data[:_HASH_BYTES]


@dataclass(frozen=True, slots=True)
class LiveForm:
    """What many live objects have in common.

    Attributes:
        sample: What the object is packed against.
    """

    sample: bytes
    gvk: GroupVersionKind
    health: Health | None
    is_root: bool
    is_terminating: bool
    is_finished_job: bool


@dataclass(frozen=True, slots=True)
class LiveObject:
    """What is remembered of a live object, as last seen, sealed.

    Attributes:
        data: Its uid, then the rest of it packed.
        tracking: The Application that its tracking id names, or `""`.
    """

    data: bytes
    version: int
    tracking: str
    form: LiveForm

    @property
    def uid(self) -> Uid:
        """Its uid."""
        return split_uid(self.data)[0]

    @property
    def manifest(self) -> Manifest:
        """The object, unpacked anew at each call."""
        uid, begin = split_uid(self.data)
        manifest = unsqueeze(self.data[begin:], self.form.sample)
        return manifest.with_metadata(uid=uid) if uid else manifest

    @property
    def gvk(self) -> GroupVersionKind:
        """Kind and version in which it was seen."""
        return self.form.gvk

    @property
    def health(self) -> Health | None:
        """Its health; None for kinds that have none."""
        return self.form.health

    @property
    def is_root(self) -> bool:
        """Whether no other object owns it."""
        return self.form.is_root

    @property
    def is_terminating(self) -> bool:
        """Whether a deletion has been asked for."""
        return self.form.is_terminating

    @property
    def is_finished_job(self) -> bool:
        """Whether it is a Job that has completed or failed."""
        return self.form.is_finished_job


@dataclass(frozen=True, slots=True)
class KeptEcho:
    """What the server made of a target, as it is kept.

    Attributes:
        target: What was applied.
        source: The live object where that says it, as it does at rest; else the echo itself.
    """

    target: Target
    source: LiveObject | PackedEcho

    @property
    def uid(self) -> Uid:
        """The object that it belongs to."""
        return self.source.uid

    def unpack(self) -> Echo | None:
        """Return the echo, made anew at each call."""
        if isinstance(self.source, PackedEcho):
            return self.source.unpack()
        return learned(without_ignored(self.source.manifest, self.target.ignored))
