"""The layouts that people know from `argocd`: tables, the summary, the operation, the resources.

Pure text: trees in, lines out. Source: docs/internals/argocd/api.md §4.7. Columns are two spaces
apart and left aligned, labels are padded to 20. Nothing is said by colour.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from holdfast.domain.application import SELF_HEAL_ANNOTATION
from holdfast.domain.divergence import DIFFERS_ANNOTATION, Divergences

JSON = Any
Tree = Mapping[str, Any]

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT_SHA = 7
_CUT_VALUE_AT = 80


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without trailing blanks and without a last newline."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def label(name: str, value: str) -> str:
    """Return one line `Name:               value`."""
    return f"{name + ':' if name else '':<20}{value}".rstrip()


def parse_time(text: JSON) -> datetime | None:
    """Read an RFC 3339 time, or None."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def go_time(text: JSON) -> str:
    """Return a time as Go prints it: `2026-01-02 15:04:05 +0000 UTC`."""
    moment = parse_time(text)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000 UTC" if moment else ""


def go_duration(seconds: float) -> str:
    """Return whole seconds as Go prints them: `0s`, `1m5s`, `2h0m3s`."""
    left = max(0, int(seconds))
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def age(since: JSON, now: datetime) -> str:
    """Return how long ago a time was, as kubectl shows it: `12s`, `5m`, `3h`, `2d`."""
    moment = parse_time(since)
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def block(tree: JSON, *path: str) -> Tree:
    """Return the mapping at a path; empty where there is none."""
    for step in path:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree if isinstance(tree, Mapping) else {}


def items(tree: JSON, *path: str) -> list[Tree]:
    """Return the mappings of a list at a path."""
    value = block(tree, *path[:-1]).get(path[-1])
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(tree: JSON, *path: str) -> str:
    """Return the text at a path; `""` where there is none."""
    value = block(tree, *path[:-1]).get(path[-1])
    return value if isinstance(value, str) else "" if value is None else str(value)


def sources_of(spec: Tree) -> list[Tree]:
    """Return the effective sources of a spec."""
    several = items(spec, "sources")
    if several:
        return several
    single = block(spec, "source")
    return [single] if single else []


def qualified_name(app: Tree) -> str:
    """`argocd/web`."""
    return f"{text(app, 'metadata', 'namespace')}/{text(app, 'metadata', 'name')}"


def server_of(app: Tree) -> str:
    """The destination's server, else its name."""
    return text(app, "spec", "destination", "server") or text(app, "spec", "destination", "name")


def is_automated(app: Tree) -> bool:
    """Whether automatic sync is on."""
    automated = block(app, "spec", "syncPolicy").get("automated")
    return isinstance(automated, Mapping) and automated.get("enabled") is not False


def sync_policy(app: Tree, *, manual: str, automatic: str, prune: str) -> str:
    """Return one of three words for the policy."""
    if not is_automated(app):
        return manual
    return prune if block(app, "spec", "syncPolicy", "automated").get("prune") else automatic


@dataclass(frozen=True, slots=True)
class Frame:
    """What the summary says beside the object.

    Attributes:
        url: Address of its page.
        windows: Whether sync windows let it sync.
        paused: A line for each pause that holds it; nothing is shown without one.
    """

    url: str = ""
    windows: str = "Sync Allowed"
    paused: tuple[str, ...] = ()


def summary(app: Tree, frame: Frame) -> str:
    """Return the block at the top of `app get`, without conditions."""
    spec = block(app, "spec")
    sources = sources_of(spec)
    lines = [
        label("Name", qualified_name(app)),
        label("Project", text(spec, "project") or "default"),
        label("Server", server_of(app)),
        label("Namespace", text(spec, "destination", "namespace")),
        label("URL", frame.url or "-"),
        "Source:" if len(sources) < 2 else "Sources:",
    ]
    for source in sources:
        lines += _source_lines(source)
    lines += [
        label("SyncWindow", frame.windows),
        label(
            "Sync Policy",
            sync_policy(app, manual="Manual", automatic="Automated", prune="Automated (Prune)"),
        ),
        *_self_heal_lines(app),
        *(label("" if place else "Paused", text) for place, text in enumerate(frame.paused)),
        label("Sync Status", sync_status(app)),
        *_divergence_lines(divergences_of(app)),
        label("Health Status", _health(app)),
    ]
    return "\n".join(lines)


def _self_heal_lines(app: Tree) -> list[str]:
    """Say that hand-made changes are put back; nothing where they are not, as in Argo CD."""
    if is_automated(app):
        chosen = block(app, "spec", "syncPolicy", "automated").get("selfHeal") is True
        return [label("Self-heal", "on")] if chosen else []
    wish = block(app, "metadata", "annotations").get(SELF_HEAL_ANNOTATION)
    return [label("Self-heal", "on, to what was synced last")] if wish == "last-synced" else []


def divergences_of(app: Tree) -> Divergences:
    """Return what the controller left: what is behind git, and what drifted."""
    return Divergences.parse(block(app, "metadata", "annotations").get(DIFFERS_ANNOTATION))


def count_of(number: int, word: str) -> str:
    """`1 object`, `2 objects`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _divergence_lines(found: Divergences) -> list[str]:
    rows = (("Behind git", found.behind), ("Drifted", found.drifted))
    return [label(name, count_of(number, "object")) for name, number in rows if number]


def sync_status(app: Tree) -> str:
    """`Synced to HEAD (d88f0cd)`."""
    status = text(app, "status", "sync", "status") or "Unknown"
    sources = sources_of(block(app, "spec"))
    if len(sources) != 1:
        return status
    target = text(sources[0], "targetRevision") or "HEAD"
    word = {"Synced": f" to {target}", "OutOfSync": f" from {target}"}.get(status, "")
    revision = text(app, "status", "sync", "revision")
    if word and not _SHA.fullmatch(target) and len(revision) > SHORT_SHA:
        word += f" ({revision[:SHORT_SHA]})"
    return status + word


def conditions(app: Tree) -> str:
    """Return the table of conditions, or `""`."""
    rows = [
        (text(item, "type"), text(item, "message"), go_time(item.get("lastTransitionTime")))
        for item in items(app, "status", "conditions")
    ]
    return table(("CONDITION", "MESSAGE", "LAST TRANSITION"), rows) if rows else ""


def operation(app: Tree, now: datetime) -> str:
    """Return the block of the last operation, or `""`."""
    state = block(app, "status", "operationState")
    if not state:
        return ""
    result = block(state, "syncResult")
    revisions = result.get("revisions")
    revision = (
        ", ".join(str(item) for item in revisions)
        if isinstance(revisions, list) and revisions
        else text(result, "revision")
    )
    lines = [label("Operation", "Sync")]
    if result:
        lines.append(label("Sync Revision", revision))
    started, finished = parse_time(state.get("startedAt")), parse_time(state.get("finishedAt"))
    lines += [
        label("Phase", text(state, "phase")),
        label("Start", go_time(state.get("startedAt"))),
        label("Finished", go_time(state.get("finishedAt"))),
    ]
    if started:
        lines.append(label("Duration", go_duration(((finished or now) - started).total_seconds())))
    if text(state, "message"):
        lines.append(label("Message", text(state, "message")))
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One row of the resource table, and of the progress of a wait."""

    group: str
    kind: str
    namespace: str
    name: str
    status: str
    health: str
    hook: str
    message: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identity of the row's object."""
        return (self.group, self.kind, self.namespace, self.name)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row, left to right."""
        return (
            self.group,
            self.kind,
            self.namespace,
            self.name,
            self.status,
            self.health,
            self.hook,
            self.message,
        )


def resource_states(app: Tree) -> list[ResourceState]:
    """Return operation results first, then the remaining resources sorted by key."""
    known = {_key(item): item for item in items(app, "status", "resources")}
    states = []
    for result in items(app, "status", "operationState", "syncResult", "resources"):
        hook = text(result, "hookType")
        status, health = text(result, "hookPhase"), text(result, "status")
        current = None if hook else known.pop(_key(result), None)
        if current is not None:
            status, health = text(current, "status"), text(current, "health", "status")
        states.append(
            ResourceState(*_key(result), status, health, hook, text(result, "message")),
        )
    for key in sorted(known):
        item = known[key]
        states.append(
            ResourceState(*key, text(item, "status"), text(item, "health", "status"), "", "")
        )
    return states


def resources(app: Tree) -> str:
    """Return the table at the end of `app get`, or `""`."""
    states = resource_states(app)
    header = ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")
    return table(header, (state.cells for state in states)) if states else ""


def parameters(app: Tree) -> str:
    """Return Helm parameters as a table, or `""`."""
    rows = []
    for source in sources_of(block(app, "spec")):
        for item in items(source, "helm", "parameters"):
            value = text(item, "value")
            if len(value) > _CUT_VALUE_AT:
                value = value[: _CUT_VALUE_AT - 3] + "..."
            rows.append((text(item, "name"), value))
    return table(("NAME", "VALUE"), rows) if rows else ""


def app_list(apps: Iterable[Tree]) -> str:
    """Return the table of `app list`."""
    header = ("NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY",
              "CONDITIONS", "REPO", "PATH", "TARGET")  # fmt: skip
    return table(header, (_app_row(app) for app in apps))


def history(app: Tree) -> str:
    """Return the tables of `app history`, one for each repository."""
    by_repo: dict[str, list[tuple[str, str, str]]] = {}
    for entry in items(app, "status", "history"):
        when, number = go_time(entry.get("deployedAt")), text(entry, "id")
        for source, revision in _deployed(entry):
            target = text(source, "targetRevision") or "HEAD"
            cell = f"{target} ({revision[:SHORT_SHA] or 'from a folder'})"
            by_repo.setdefault(text(source, "repoURL"), []).append((number, when, cell))
    parts = [
        f"SOURCE  {repo}\n{table(('ID', 'DATE', 'REVISION'), rows)}"
        for repo, rows in by_repo.items()
    ]
    return "\n\n".join(parts)


def _deployed(entry: Tree) -> Iterator[tuple[Tree, str]]:
    revisions = entry.get("revisions")
    sources = items(entry, "sources")
    if sources and isinstance(revisions, list):
        yield from zip(sources, (str(item) for item in revisions), strict=False)
    else:
        yield block(entry, "source"), text(entry, "revision")


def _app_row(app: Tree) -> tuple[str, ...]:
    spec = block(app, "spec")
    source = next(iter(sources_of(spec)), {})
    return (
        qualified_name(app),
        server_of(app),
        text(spec, "destination", "namespace"),
        text(spec, "project") or "default",
        text(app, "status", "sync", "status") or "Unknown",
        text(app, "status", "health", "status") or "Unknown",
        sync_policy(app, manual="Manual", automatic="Auto", prune="Auto-Prune"),
        _condition_counts(app),
        text(source, "repoURL"),
        text(source, "path"),
        text(source, "targetRevision"),
    )


def _condition_counts(app: Tree) -> str:
    counts: dict[str, int] = {}
    for item in items(app, "status", "conditions"):
        counts[text(item, "type")] = counts.get(text(item, "type"), 0) + 1
    words = [kind if count == 1 else f"{kind}({count})" for kind, count in sorted(counts.items())]
    return ",".join(words) or "<none>"


def _source_lines(source: Tree) -> list[str]:
    lines = [
        label("- Repo", text(source, "repoURL")),
        label("  Target", text(source, "targetRevision") or "HEAD"),
    ]
    values = source.get("helm") and block(source, "helm").get("valueFiles")
    optional = (
        ("  Path", text(source, "path")),
        ("  Chart", text(source, "chart")),
        ("  Ref", text(source, "ref")),
        ("  Helm Values", ",".join(values) if isinstance(values, list) else ""),
        ("  Name Prefix", text(source, "kustomize", "namePrefix")),
    )
    return lines + [label(name, value) for name, value in optional if value]


def _health(app: Tree) -> str:
    code = text(app, "status", "health", "status") or "Unknown"
    message = text(app, "status", "health", "message")
    return f"{code} ({message})" if message else code


def _key(item: Tree) -> tuple[str, str, str, str]:
    return (text(item, "group"), text(item, "kind"), text(item, "namespace"), text(item, "name"))
