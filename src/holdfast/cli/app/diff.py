"""`app diff`: what differs between git and the cluster, object by object."""

import shlex
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.app.local import LOCAL_FLAGS, local_folder
from holdfast.cli.app.revisions import REVISION_FLAGS, ask_revisions
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind
from holdfast.cli.selection import EVERYTHING, Selection
from holdfast.domain.commands import RefreshApplication
from holdfast.domain.divergence import NO_DIVERGENCE
from holdfast.domain.errors import ToolError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.queries import GetApplication, ManagedResources

if TYPE_CHECKING:
    from holdfast.cli.session import Link

Tree = dict[str, Any]
_SWITCH = FlagKind.SWITCH
_KEY = ("group", "kind", "namespace", "name")


async def _diff(call: Call) -> int:
    values = call.values
    async with call.link() as link:
        hard = values.switch("hard-refresh")
        if hard or values.switch("refresh"):
            await link.commands.carry_out(RefreshApplication(call.app(), hard=hard), "")
        query = ManagedResources(
            call.app(),
            values.text("revision"),
            local_folder(values),
            await ask_revisions(call, link),
        )
        found = await print_differences(call, link, query)
    if found and values.switch("exit-code"):
        return values.number("diff-exit-code")
    return exit_codes.OK


async def print_differences(
    call: Call, link: "Link", query: ManagedResources, selection: Selection = EVERYTHING
) -> bool:
    """Print every difference of the selected objects; return whether there was one.

    Against what the Application declares, each says whether it is behind git or drifted.
    """
    records = await link.queries.answer(query, "")
    why = NO_DIVERGENCE
    if not (query.revision or query.revisions or query.local):
        why = layouts.divergences_of(await link.queries.answer(GetApplication(query.app), ""))
    found = False
    for key, live, target in _differing(records):
        if not selection.matches(key.group, key.kind, key.namespace, key.name):
            continue
        found = True
        call.say(f"\n===== {key.group}/{key.kind} {key.namespace}/{key.name} ======")
        if words := why.of(key).words:
            call.say(f"({words})")
        call.say(await _compare(call, _document(live), _document(target)), end="")
    return found


def _differing(records: Iterable[Tree]) -> Iterator[tuple[ResourceKey, Tree | None, Tree | None]]:
    """Yield what is live and what a sync would make of it, where the two differ."""
    for record in records:
        if record.get("hook"):
            continue
        live, target = record.get("liveState"), record.get("targetState")
        if live and target:
            if not record.get("modified"):
                continue
            target = record.get("predictedLiveState") or target
        elif not live and not target:
            continue
        key = ResourceKey(*(layouts.text(record, part) for part in _KEY))
        yield key, live, target


def _document(tree: Tree | None) -> str:
    """Return YAML without the server's book-keeping of who wrote what."""
    if not tree:
        return ""
    from holdfast.kit import yamlio

    metadata = {k: v for k, v in (tree.get("metadata") or {}).items() if k != "managedFields"}
    return yamlio.dump({**tree, "metadata": metadata})


async def _compare(call: Call, live: str, target: str) -> str:
    import shutil

    command = shlex.split(call.session.environ.get("KUBECTL_EXTERNAL_DIFF", "")) or ["diff"]
    if shutil.which(command[0]) is None:
        return _compare_here(live, target)
    from holdfast.kit import process

    with tempfile.TemporaryDirectory(prefix="holdfast-diff-") as folder:
        before, after = Path(folder) / "live.yaml", Path(folder) / "target.yaml"
        before.write_text(live, encoding="utf-8")
        after.write_text(target, encoding="utf-8")
        answer = await process.run([*command, str(before), str(after)])
    if answer.code > 1:
        raise ToolError(
            "HF4002",
            f"{command[0]} failed: {answer.complaint()}",
            hint="KUBECTL_EXTERNAL_DIFF names the program; unset it for plain diff",
        )
    return answer.stdout.decode("utf-8", errors="replace")


def _compare_here(live: str, target: str) -> str:
    import difflib

    lines = difflib.unified_diff(
        live.splitlines(keepends=True), target.splitlines(keepends=True), "live", "git"
    )
    return "".join(lines)


# How `argocd` computes a difference and how fast; here the API server does it, object by object.
DIFF_TUNING = (
    Flag("server-side-diff-concurrency", "Accepted.", FlagKind.NUMBER, default="-1", hidden=True),
    Flag("server-side-diff-max-batch-kb", "Accepted.", FlagKind.NUMBER, default="250", hidden=True),
)
COMMANDS = {
    "diff": CommandSpec(
        "diff",
        "APPNAME",
        "Show what differs between git and the cluster. Exit code 1 says that something does.",
        _diff,
        (
            Flag("refresh", "Compare again first.", _SWITCH),
            Flag("hard-refresh", "Compare again, rendering anew.", _SWITCH),
            Flag("exit-code", "Exit with another code when it differs.", _SWITCH, default="true"),
            Flag("diff-exit-code", "That code.", FlagKind.NUMBER, default="1"),
            *REVISION_FLAGS,
            *LOCAL_FLAGS,
            Flag("server-side-generate", "Accepted for compatibility.", _SWITCH, hidden=True),
            Flag("server-side-diff", "Accepted; every comparison is.", _SWITCH, hidden=True),
            Flag("local-include", "Accepted; every file is read.", FlagKind.STRINGS, hidden=True),
            Flag("ignore-normalizer-jq-execution-timeout", "Accepted.", hidden=True),
            *DIFF_TUNING,
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        wrong_arguments=exit_codes.DIFF_ARGUMENTS,
        examples=(
            "holdfast app diff web",
            "holdfast app diff web --revision v1.3",
            'KUBECTL_EXTERNAL_DIFF="diff -u" holdfast app diff web',
        ),
    )
}
