"""`app set`, `app unset`, `app patch`, `app edit`: change the Application object."""

import json
from collections.abc import Callable
from typing import Any

from holdfast.cli import exit_codes
from holdfast.cli.app.read import SOURCE_FLAGS
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import parse_documents, render
from holdfast.cli.pflag import Flag, RefusedError, UsageError
from holdfast.cli.policy_hint import say_if_without_effect
from holdfast.cli.spec_edit import SPEC_NAMES, apply_flags, find_place, source_from
from holdfast.cli.spec_flags import GENERAL, SPEC_FLAGS
from holdfast.cli.unset import UNSET_FLAGS, unset_flags
from holdfast.domain.commands import Done, PatchApplication, UpdateSpec
from holdfast.domain.errors import ClusterError, ConfigurationError, HoldfastError
from holdfast.domain.queries import GetApplication

Tree = dict[str, Any]
_TRIES = 10


async def _set(call: Call) -> int:
    if not call.values.any_given(SPEC_NAMES):
        raise UsageError("please set at least one option to update")
    done = await _rewrite(call, lambda spec: apply_flags(spec, call.values, **_source(call)))
    if done.outcome == "unchanged":
        call.note(f"{call.app()} has these values already; nothing was changed")
    for note in done.notes:
        call.note(note)
    say_if_without_effect(call, done.tree or {})
    return exit_codes.OK


async def _rewrite(call: Call, change: Callable[[Tree], Tree]) -> Done:
    """Read the spec, change it, write it; again where somebody else was faster."""
    app = call.app()
    validate = call.values.switch("validate") if call.values.knows("validate") else True
    async with call.link() as link:
        for left in reversed(range(_TRIES)):
            tree = await link.queries.answer(GetApplication(app), "")
            spec = change(tree.get("spec") or {})
            if spec == tree.get("spec"):
                return Done("unchanged", tree)
            version = tree["metadata"].get("resourceVersion", "")
            try:
                return await link.commands.carry_out(
                    UpdateSpec(app, spec, resource_version=version, validate=validate), ""
                )
            except ClusterError as error:
                if error.code != "HF2004" or not left:
                    raise
    raise AssertionError("unreachable: the last try returns or raises")


def _source(call: Call) -> dict[str, Any]:
    return {
        "position": call.values.number("source-position"),
        "name": call.values.text("source-name"),
    }


async def _unset(call: Call) -> int:
    names = [flag.name for flag in UNSET_FLAGS]
    if not call.values.any_given(names):
        raise UsageError("please name at least one field to remove")
    done = await _rewrite(call, lambda spec: unset_flags(spec, call.values, **_source(call)))
    if done.outcome == "unchanged":
        call.note(f"{call.app()} has none of these fields; nothing was changed")
    return exit_codes.OK


async def _add_source(call: Call) -> int:
    source = source_from(call.values)
    if not source.get("repoURL"):
        raise UsageError('required flag(s) "repo" not set')

    def with_one_more(spec: Tree) -> Tree:
        if not spec.get("sources"):
            raise RefusedError(
                f"{call.app()} has a single source, and another one cannot be added to that"
                "\n\nhint: `holdfast app edit` turns spec.source into a list spec.sources"
            )
        return {**spec, "sources": [*spec["sources"], source]}

    await _rewrite(call, with_one_more)
    call.say(f"Application '{call.app().name}' updated successfully")
    return exit_codes.OK


async def _remove_source(call: Call) -> int:
    where = _source(call)

    def with_one_less(spec: Tree) -> Tree:
        if not spec.get("sources"):
            raise RefusedError(f"{call.app()} has a single source, and needs it")
        place = find_place(spec, **where)
        if len(spec["sources"]) == 1:
            raise RefusedError(f"{call.app()} needs a source, and this is its last one")
        return {**spec, "sources": [*spec["sources"][:place], *spec["sources"][place + 1 :]]}

    await _rewrite(call, with_one_less)
    call.say(f"Application '{call.app().name}' updated successfully")
    return exit_codes.OK


async def _patch(call: Call) -> int:
    if not call.values.is_given("patch"):
        raise UsageError('required flag(s) "patch" not set')
    try:
        patch = json.loads(call.values.text("patch"))
    except json.JSONDecodeError as error:
        raise UsageError(f"--patch is no JSON: {error}") from error
    kind = call.values.text("type")
    if kind == "json" and not isinstance(patch, list):
        raise UsageError("a JSON patch is a list of operations; for an object give --type merge")
    if kind == "merge" and not isinstance(patch, dict):
        raise UsageError("a merge patch is an object; for a list give --type json")
    async with call.link() as link:
        done = await link.commands.carry_out(PatchApplication(call.app(), patch, kind), "")
    call.say(render(done.tree, "json"))
    return exit_codes.OK


async def _edit(call: Call) -> int:
    app = call.app()
    async with call.link() as link:
        tree = await link.queries.answer(GetApplication(app), "")
    read = tree.get("spec") or {}
    before = render(read, "yaml") + "\n"
    after = await in_editor(call, before)
    if not after.strip() or after == before:
        call.note("Edit cancelled, no changes made.")
        return exit_codes.OK
    try:
        await _write_edited(call, read, after)
    except (UsageError, HoldfastError):
        call.note(f"nothing was changed; your text is kept in {keep(after)}")
        raise
    return exit_codes.OK


async def _write_edited(call: Call, read: Tree, text: str) -> None:
    try:
        documents = parse_documents(text, "the edited text")
    except UsageError as error:
        raise RefusedError(str(error)) from error
    if len(documents) != 1:
        raise RefusedError("the edited text must hold exactly one document")

    def edited(now: Tree) -> Tree:
        if now != read:
            raise ConfigurationError(
                "HF3006",
                "somebody else changed the spec while you edited it",
                about=call.app(),
                hint="edit it again",
            )
        return documents[0]

    await _rewrite(call, edited)


def keep(content: str) -> str:
    """Write a text that could not be used into a file of its own; return where it is."""
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="holdfast-edit-", suffix=".yaml", delete=False
    ) as file:
        file.write(content)
    return file.name


async def in_editor(call: Call, content: str) -> str:
    """Return a text as the person left it in an editor.

    Raises:
        RefusedError: the editor cannot be started, or failed.
    """
    import asyncio
    import shlex
    import tempfile
    from pathlib import Path

    environ = call.session.environ
    editor = shlex.split(environ.get("KUBE_EDITOR") or environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="holdfast-edit-") as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(content, encoding="utf-8")
        # The editor needs the terminal itself, which `kit.process.run` takes away.
        try:
            process = await asyncio.create_subprocess_exec(*editor, str(path))  # noqa: TID251
        except OSError as error:
            raise RefusedError(
                f"the editor {editor[0]} cannot be started: {error.strerror}; nothing was changed"
                "\n\nhint: $KUBE_EDITOR, or $EDITOR, names the one to use"
            ) from error
        if code := await process.wait():
            raise RefusedError(f"the editor {editor[0]} ended with {code}; nothing was changed")
        return path.read_text(encoding="utf-8")


# Of the general flags, those that are about a source and not about the whole spec.
_OF_SOURCES = (
    "repo", "path", "revision", "helm-chart", "ref", "tag-prefix", "source-name", "validate",
)  # fmt: skip
COMMANDS = {
    "set": CommandSpec(
        "set",
        "APPNAME",
        "Change fields of an Application.",
        _set,
        (*(flag for flag in SPEC_FLAGS if flag.name != "source-name"), *SOURCE_FLAGS,
         APP_NAMESPACE),
        least=1,
        most=1,
        examples=(
            "holdfast app set web --sync-policy automated --auto-prune --self-heal",
            "holdfast app set web --self-heal=false",
            "holdfast app set web --revision v1.2 --kustomize-image registry.example.com/web:1.2",
        ),
    ),
    "unset": CommandSpec(
        "unset",
        "APPNAME",
        "Remove fields of an Application.",
        _unset,
        (*UNSET_FLAGS, *SOURCE_FLAGS, APP_NAMESPACE),
        least=1,
        most=1,
        examples=("holdfast app unset web --nameprefix --kustomize-image web",),
    ),
    "patch": CommandSpec(
        "patch",
        "APPNAME",
        "Patch an Application; prints the result as JSON.",
        _patch,
        (
            Flag("patch", "The patch, as JSON."),
            Flag("type", "Kind of patch.", default="json", choices=("json", "merge")),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=(
            'holdfast app patch web --type merge --patch \'{"spec":{"source":{"path":"prod"}}}\'',
        ),
    ),
    "add-source": CommandSpec(
        "add-source",
        "APPNAME",
        "Add a source to an Application that has a list of them.",
        _add_source,
        (*(flag for flag in SPEC_FLAGS if flag not in GENERAL or flag.name in _OF_SOURCES),
         APP_NAMESPACE),
        least=1,
        most=1,
        examples=(
            "holdfast app add-source web --repo https://git.example.com/values.git --ref values",
        ),
    ),
    "remove-source": CommandSpec(
        "remove-source",
        "APPNAME",
        "Remove one of several sources of an Application.",
        _remove_source,
        (*SOURCE_FLAGS, APP_NAMESPACE),
        least=1,
        most=1,
        examples=("holdfast app remove-source web --source-position 2",),
    ),
    "edit": CommandSpec(
        "edit",
        "APPNAME",
        "Edit the spec of an Application in $KUBE_EDITOR or $EDITOR.",
        _edit,
        (APP_NAMESPACE,),
        least=1,
        most=1,
    ),
}  # fmt: skip
