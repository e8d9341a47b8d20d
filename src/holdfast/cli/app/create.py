"""`app create`: from flags, from files, or from both."""

import copy
from typing import Any

from holdfast.cli import exit_codes
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import read_documents
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.cli.policy_hint import say_if_without_effect
from holdfast.cli.spec_edit import SPEC_NAMES, apply_flags
from holdfast.cli.spec_flags import SPEC_FLAGS
from holdfast.domain.application import RESOURCES_FINALIZER
from holdfast.domain.commands import CreateApplication

Tree = dict[str, Any]
API_VERSION = "argoproj.io/v1alpha1"


async def _create(call: Call) -> int:
    manifests = _manifests(call)
    async with call.link() as link:
        for manifest in manifests:
            command = CreateApplication(
                manifest,
                upsert=call.values.switch("upsert"),
                validate=call.values.switch("validate"),
            )
            done = await link.commands.carry_out(command, "")
            call.say(f"application '{manifest['metadata']['name']}' {done.outcome}")
            for note in done.notes:
                call.note(note)
            say_if_without_effect(call, done.tree or manifest)
    return exit_codes.OK


def _manifests(call: Call) -> list[Tree]:
    path = call.values.text("file")
    if path:
        manifests = [
            tree for tree in read_documents(path, call.session.stdin) if _is_application(tree)
        ]
        if not manifests:
            raise UsageError(f"{path}: there is no Application in it")
        named = _name(call)
        if named and (len(manifests) > 1 or _file_name(manifests[0]) not in ("", named)):
            raise UsageError(f"{path} holds another name than the argument {named}")
    else:
        manifests = [{}]
        if not _name(call):
            raise UsageError("give a name: holdfast app create NAME, or a file with -f")
    return [_complete(call, manifest) for manifest in manifests]


def _complete(call: Call, manifest: Tree) -> Tree:
    values = call.values
    tree = copy.deepcopy(manifest)
    tree.update({"apiVersion": API_VERSION, "kind": "Application"})
    for gone in ("status", "operation"):
        tree.pop(gone, None)
    metadata: Tree = tree.setdefault("metadata", {})
    name = _name(call) or metadata.get("name") or ""
    app = call.app(name)
    metadata["name"] = app.name
    if "/" in name or values.is_given(APP_NAMESPACE.name) or not metadata.get("namespace"):
        metadata["namespace"] = app.namespace
    for flag, key in (("label", "labels"), ("annotations", "annotations")):
        for item in values.texts(flag):
            label, equals, value = item.partition("=")
            if not equals:
                raise UsageError(f'--{flag} "{item}": give name=value')
            metadata.setdefault(key, {})[label] = value
    if values.switch("set-finalizer"):
        finalizers = metadata.setdefault("finalizers", [])
        if RESOURCES_FINALIZER not in finalizers:
            finalizers.append(RESOURCES_FINALIZER)
    spec = tree.get("spec") or {}
    if values.any_given({*SPEC_NAMES, "source-name"}):
        spec = apply_flags(spec, values)
    spec.setdefault("project", "default")
    spec.setdefault("destination", {})
    tree["spec"] = spec
    return tree


def _name(call: Call) -> str:
    given = call.values.text("name")
    argument = call.arguments[0] if call.arguments else ""
    if given and argument and given != argument:
        raise UsageError(f"--name {given} and the argument {argument} differ")
    return given or argument


def _file_name(tree: Tree) -> str:
    return str((tree.get("metadata") or {}).get("name") or "")


def _is_application(tree: Tree) -> bool:
    return tree.get("kind") == "Application" and str(tree.get("apiVersion", "")).startswith(
        "argoproj.io/"
    )


COMMANDS = {
    "create": CommandSpec(
        "create",
        "[APPNAME]",
        "Create an Application, from flags, from a file, or from both (flags win).",
        _create,
        (
            Flag("file", "File, address or - with Applications.", short="f", metavar="FILE"),
            Flag("upsert", "Change it when it exists and differs.", FlagKind.SWITCH),
            Flag("label", "Label name=value.", FlagKind.LINES, short="l"),
            Flag("annotations", "Annotation name=value.", FlagKind.LINES),
            Flag("set-finalizer", "Deleting it deletes its objects too.", FlagKind.SWITCH),
            Flag("name", "Name of the Application.", hidden=True),
            *SPEC_FLAGS,
            APP_NAMESPACE,
        ),
        most=1,
        examples=(
            "holdfast app create web --repo https://git.example.com/web.git --path deploy \\",
            "    --dest-namespace prod --dest-server https://kubernetes.default.svc",
            "holdfast app create -f application.yaml --upsert",
        ),
    )
}
