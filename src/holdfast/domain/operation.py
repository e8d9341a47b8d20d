"""`Operation`: one requested sync, and its retry curve (controller.md §1.5, §6.12)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.manifest import JSON, Tree

_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Phase(StrEnum):
    """Phases of an operation."""

    RUNNING = "Running"
    TERMINATING = "Terminating"
    FAILED = "Failed"
    ERROR = "Error"
    SUCCEEDED = "Succeeded"

    @property
    def is_completed(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Phase.FAILED, Phase.ERROR, Phase.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a failed operation is tried again.

    Attributes:
        limit: Number of retries; negative means unlimited.
        duration: Text of the first wait; a bare integer is seconds.
        factor: Multiplies the wait at each retry.
        max_duration: Text of the longest wait; 0 or less is uncapped.
        refresh: Whether each retry resolves the revision anew.
    """

    limit: int = 0
    duration: str = "5s"
    factor: int = 2
    max_duration: str = "3m"
    refresh: bool = False

    @classmethod
    def parse(cls, tree: Mapping[str, JSON]) -> "RetryPolicy":
        """Read a `retry` block with Argo CD's defaults."""
        backoff = tree.get("backoff")
        backoff = backoff if isinstance(backoff, dict) else {}
        factor, limit = backoff.get("factor"), tree.get("limit")
        return cls(
            limit=limit if isinstance(limit, int) else 0,
            duration=str(backoff.get("duration") or "5s"),
            factor=factor if isinstance(factor, int) else 2,
            max_duration=str(backoff.get("maxDuration") or "3m"),
            refresh=bool(tree.get("refresh")),
        )

    def wait_s(self, retry_count: int) -> float:
        """Seconds to wait before retry number `retry_count`.

        Raises:
            ValueError: a duration does not parse.
        """
        wait = parse_duration_s(self.duration) * float(self.factor**retry_count)
        cap = parse_duration_s(self.max_duration)
        return min(wait, cap) if cap > 0 else wait


@dataclass(frozen=True, slots=True)
class SelectedResource:
    """One entry of a selective sync; an empty namespace matches any."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A requested sync, as it stands in `operation` or `status.operationState.operation`.

    Attributes:
        tree: The block exactly as written; it is copied into `operationState`.
        revision: Requested revision, `""` for the target revision.
        revisions: The same for several sources.
        uses_hooks: False with strategy `apply`.
        force: Delete and create again on conflicts.
        source, sources: Overrides of the spec's sources (rollback), as written.
        manifests: Local manifests as JSON strings that replace the repository's.
    """

    tree: Tree
    revision: str
    revisions: tuple[str, ...]
    prune: bool
    dry_run: bool
    uses_hooks: bool
    force: bool
    resources: tuple[SelectedResource, ...]
    source: Tree | None
    sources: tuple[Tree, ...]
    manifests: tuple[str, ...] | None
    options: tuple[str, ...]
    heal_attempts: int
    username: str
    automated: bool
    retry: RetryPolicy
    has_sync: bool

    def has_option(self, option: str) -> bool:
        """Whether an exact `Name=value` is among the operation's options."""
        return option in self.options

    @property
    def is_selective(self) -> bool:
        """Whether only named resources are synced."""
        return bool(self.resources)

    @classmethod
    def parse(cls, tree: Tree) -> "Operation":
        """Read an operation block."""
        sync = _mapping(tree.get("sync"))
        strategy = _mapping(sync.get("syncStrategy"))
        apply, hook = strategy.get("apply"), _mapping(strategy.get("hook"))
        who = _mapping(tree.get("initiatedBy"))
        manifests = sync.get("manifests")
        source = sync.get("source")
        attempts = sync.get("autoHealAttemptsCount")
        return cls(
            tree=tree,
            revision=str(sync.get("revision") or ""),
            revisions=_texts(sync.get("revisions")),
            prune=bool(sync.get("prune")),
            dry_run=bool(sync.get("dryRun")),
            uses_hooks=not isinstance(apply, dict),
            force=bool(_mapping(apply).get("force") or hook.get("force")),
            resources=tuple(
                SelectedResource(
                    group=str(item.get("group") or ""),
                    kind=str(item.get("kind") or ""),
                    namespace=str(item.get("namespace") or ""),
                    name=str(item.get("name") or ""),
                )
                for item in sync.get("resources") or ()
                if isinstance(item, dict)
            ),
            source=source if isinstance(source, dict) else None,
            sources=tuple(item for item in sync.get("sources") or () if isinstance(item, dict)),
            manifests=_texts(manifests) if isinstance(manifests, list) and manifests else None,
            options=_texts(sync.get("syncOptions")),
            heal_attempts=attempts if isinstance(attempts, int) else 0,
            username=str(who.get("username") or ""),
            automated=bool(who.get("automated")),
            retry=RetryPolicy.parse(_mapping(tree.get("retry"))),
            has_sync=isinstance(tree.get("sync"), dict),
        )


def parse_duration_s(text: str) -> float:
    """Return the seconds of a Go duration (`1h30m`, `300ms`) or of a bare integer of seconds.

    Raises:
        ValueError: the text is neither.
    """
    text = text.strip()
    if re.fullmatch(r"[+-]?\d+", text):
        return float(text)
    sign, body = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if not body or _DURATION_PART.sub("", body):
        raise ValueError(f"invalid duration {text!r}, expected for example 5s, 3m or 1h30m")
    return sign * sum(float(n) * _UNIT_SECONDS[unit] for n, unit in _DURATION_PART.findall(body))


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
