"""`proj create|get|list|set|edit|delete`: AppProjects."""

from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.app.change import in_editor, keep
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, parse_documents, read_documents, render
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.cli.proj.rewriting import read as read_spec
from holdfast.cli.proj.rewriting import rewrite
from holdfast.domain.commands import CreateProject, DeleteProject
from holdfast.domain.errors import HoldfastError
from holdfast.domain.queries import GetProject, ListProjects

Tree = dict[str, Any]
_STRINGS, _LINES, _SWITCH = FlagKind.STRINGS, FlagKind.LINES, FlagKind.SWITCH
_LABEL_WIDTH = 29
_KIND_LISTS = {
    "allow-cluster-resource": "clusterResourceWhitelist",
    "deny-cluster-resource": "clusterResourceBlacklist",
    "allow-namespaced-resource": "namespaceResourceWhitelist",
    "deny-namespaced-resource": "namespaceResourceBlacklist",
}


async def _create(call: Call) -> int:
    path = call.values.text("file")
    trees = read_documents(path, call.session.stdin) if path else [{}]
    trees = [tree for tree in trees if not path or tree.get("kind") == "AppProject"]
    if not trees:
        raise UsageError(f"{path}: there is no AppProject in it")
    async with call.link() as link:
        for tree in trees:
            manifest = _complete(call, tree)
            command = CreateProject(manifest, upsert=call.values.switch("upsert"))
            done = await link.commands.carry_out(command, "")
            call.note(f"project '{manifest['metadata']['name']}' {done.outcome}")
    return exit_codes.OK


def _complete(call: Call, tree: Tree) -> Tree:
    metadata = {**(tree.get("metadata") or {}), "namespace": call.target.namespace}
    if call.arguments:
        if metadata.get("name") not in (None, call.arguments[0]):
            raise UsageError(f"the file names the project {metadata['name']}")
        metadata["name"] = call.arguments[0]
    if not metadata.get("name"):
        raise UsageError("give a name: holdfast proj create NAME, or a file with -f")
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": metadata,
        "spec": _spec(call, dict(tree.get("spec") or {})),
    }


def _spec(call: Call, spec: Tree) -> Tree:
    values = call.values
    if values.is_given("description"):
        spec["description"] = values.text("description")
    if values.is_given("dest"):
        spec["destinations"] = [_destination(item) for item in values.texts("dest")]
    for flag, key in (("src", "sourceRepos"), ("source-namespaces", "sourceNamespaces")):
        if values.is_given(flag):
            spec[key] = list(values.texts(flag))
    for flag, key in _KIND_LISTS.items():
        if values.is_given(flag):
            spec[key] = [_kind(flag, item) for item in values.texts(flag)]
    if values.is_given("signature-keys"):
        spec["signatureKeys"] = [{"keyID": key} for key in values.texts("signature-keys")]
    if values.is_given("dest-service-accounts"):
        accounts = values.texts("dest-service-accounts")
        spec["destinationServiceAccounts"] = [_service_account(item) for item in accounts]
    if values.switch("orphaned-resources") or values.is_given("orphaned-resources-warn"):
        spec["orphanedResources"] = (
            {"warn": values.switch("orphaned-resources-warn")}
            if values.is_given("orphaned-resources-warn")
            else {}
        )
    return spec


def _destination(item: str) -> Tree:
    parts = item.split(",")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f'--dest "{item}": give SERVER,NAMESPACE or SERVER,NAMESPACE,NAME')
    return dict(zip(("server", "namespace", "name"), parts, strict=False))


def _service_account(item: str) -> Tree:
    parts = item.split(",")
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f'--dest-service-accounts "{item}": give SERVER,NAMESPACE,SERVICE-ACCOUNT; the account '
            "may be NAMESPACE:NAME"
        )
    return dict(zip(("server", "namespace", "defaultServiceAccount"), parts, strict=True))


def _kind(flag: str, item: str) -> Tree:
    group, slash, kind = item.partition("/")
    if not slash:
        raise UsageError(
            f'--{flag} "{item}": give GROUP/KIND; the core group is empty, as in /Node'
        )
    kind, _, name = kind.partition("/")
    return {"group": group, "kind": kind, **({"name": name} if name else {})}


async def _set(call: Call) -> int:
    if not call.values.any_given(flag.name for flag in _SPEC_FLAGS):
        raise UsageError("please set at least one option to update")

    def changed(spec: Tree) -> None:
        spec.update(_spec(call, dict(spec)))

    await rewrite(call, changed)
    return exit_codes.OK


async def _edit(call: Call) -> int:
    read = await read_spec(call)
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

    def edited(spec: Tree) -> None:
        if spec != read:
            raise RefusedError("somebody else changed the project meanwhile; edit it again")
        spec.clear()
        spec.update(documents[0])

    await rewrite(call, edited)


async def _get(call: Call) -> int:
    form = call.values.text("output")
    async with call.link() as link:
        tree = await link.queries.answer(GetProject(call.arguments[0]), "")
    call.say(render(tree, form) if form in STRUCTURED else _sheet(tree))
    return exit_codes.OK


def _sheet(tree: Tree) -> str:
    """Return the labelled lines of `proj get`, labels padded to 29."""
    spec = layouts.block(tree, "spec")
    rows: list[tuple[str, list[str]]] = [
        ("Name", [layouts.text(tree, "metadata", "name")]),
        ("Description", [layouts.text(spec, "description")]),
        (
            "Destinations",
            [_destination_words(item) for item in layouts.items(spec, "destinations")],
        ),
        ("Repositories", _words(spec, "sourceRepos")),
        ("Source Namespaces", _words(spec, "sourceNamespaces")),
        ("Scoped Repositories", []),
        ("Allowed Cluster Resources", _kind_words(spec, "clusterResourceWhitelist")),
        ("Scoped Clusters", []),
        ("Denied Namespaced Resources", _kind_words(spec, "namespaceResourceBlacklist")),
        (
            "Signature keys",
            [layouts.text(i, "keyID") for i in layouts.items(spec, "signatureKeys")],
        ),
        ("Orphaned Resources", [_orphaned(spec)]),
    ]
    lines = []
    for name, values in rows:
        first, *more = values or ["<none>"]
        lines.append(f"{name + ':':<{_LABEL_WIDTH}}{first}".rstrip())
        lines += [" " * _LABEL_WIDTH + value for value in more]
    return "\n".join(lines)


async def _list(call: Call) -> int:
    form = call.values.text("output")
    async with call.link() as link:
        found = await link.queries.answer(ListProjects(), "")
    if form in STRUCTURED:
        call.say(render(found, form))
    elif form == "name":
        for tree in found:
            call.say(layouts.text(tree, "metadata", "name"))
    else:
        header = ("NAME", "DESCRIPTION", "DESTINATIONS", "SOURCES", "CLUSTER-RESOURCE-WHITELIST",
                  "NAMESPACE-RESOURCE-BLACKLIST", "SIGNATURE-KEYS", "ORPHANED-RESOURCES",
                  "DESTINATION-SERVICE-ACCOUNTS")  # fmt: skip
        call.say(layouts.table(header, (_row(tree) for tree in found)))
    return exit_codes.OK


def _row(tree: Tree) -> tuple[str, ...]:
    spec = layouts.block(tree, "spec")
    return (
        layouts.text(tree, "metadata", "name"),
        layouts.text(spec, "description"),
        _summary(
            [_destination_words(i) for i in layouts.items(spec, "destinations")], "destinations"
        ),
        _summary(_words(spec, "sourceRepos"), "repos"),
        _summary(_kind_words(spec, "clusterResourceWhitelist"), "resources"),
        _summary(_kind_words(spec, "namespaceResourceBlacklist"), "resources"),
        _summary(layouts.items(spec, "signatureKeys"), "key(s)"),
        _orphaned(spec),
        _summary(layouts.items(spec, "destinationServiceAccounts"), "account(s)"),
    )


def _summary(values: list[Any], unit: str) -> str:
    if not values:
        return "<none>"
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return f"{len(values)} {unit}"


def _destination_words(item: Any) -> str:
    server = layouts.text(item, "server") or layouts.text(item, "name")
    return f"{server},{layouts.text(item, 'namespace')}"


def _words(spec: Any, key: str) -> list[str]:
    value = spec.get(key)
    return [str(item) for item in value] if isinstance(value, list) else []


def _kind_words(spec: Any, key: str) -> list[str]:
    return [
        f"{layouts.text(item, 'group')}/{layouts.text(item, 'kind')}"
        for item in layouts.items(spec, key)
    ]


def _orphaned(spec: Any) -> str:
    if "orphanedResources" not in spec:
        return "disabled"
    return (
        f"enabled (warn={str(bool(layouts.block(spec, 'orphanedResources').get('warn'))).lower()})"
    )


async def _delete(call: Call) -> int:
    async with call.link() as link:
        for name in call.arguments:
            await link.commands.carry_out(DeleteProject(name), "")
            call.note(f"project '{name}' deleted")
    return exit_codes.OK


_SPEC_FLAGS = (
    Flag("description", "What it is for."),
    Flag("dest", "Permitted SERVER,NAMESPACE[,NAME].", _LINES, short="d"),
    Flag("src", "Permitted repository.", _STRINGS, short="s"),
    Flag("allow-cluster-resource", "Permitted GROUP/KIND of cluster scope.", _STRINGS),
    Flag("deny-cluster-resource", "Forbidden GROUP/KIND of cluster scope.", _STRINGS),
    Flag("allow-namespaced-resource", "Permitted GROUP/KIND.", _STRINGS),
    Flag("deny-namespaced-resource", "Forbidden GROUP/KIND.", _STRINGS),
    Flag("source-namespaces", "Namespaces whose Applications may use it.", _STRINGS),
    Flag("signature-keys", "GnuPG keys that commits must be signed with.", _STRINGS),
    Flag(
        "dest-service-accounts",
        "Account of a destination: SERVER,NAMESPACE,SERVICE-ACCOUNT.",
        _LINES,
    ),
    Flag("orphaned-resources", "Watch for objects of no Application.", _SWITCH),
    Flag("orphaned-resources-warn", "Warn about them.", _SWITCH),
)
COMMANDS = {
    "create": CommandSpec(
        "create",
        "[PROJECT]",
        "Create a project.",
        _create,
        (
            Flag("file", "File, address or - with projects.", short="f", metavar="FILE"),
            Flag("upsert", "Change it when it exists and differs.", _SWITCH),
            *_SPEC_FLAGS,
        ),
        most=1,
        examples=(
            "holdfast proj create team-a -d https://kubernetes.default.svc,team-a \\",
            "    -s https://git.example.com/team-a/web.git",
        ),
    ),
    "get": CommandSpec(
        "get", "PROJECT", "Show a project.", _get,
        (Flag("output", "How to print.", short="o", default="wide",
              choices=("wide", "json", "yaml")),),
        least=1, most=1,
    ),
    "list": CommandSpec(
        "list", "", "List projects.", _list,
        (Flag("output", "How to print.", short="o", default="wide",
              choices=("wide", "name", "json", "yaml")),),
    ),
    "set": CommandSpec(
        "set", "PROJECT", "Change what a project permits: each list that is given is replaced.",
        _set, _SPEC_FLAGS, least=1, most=1,
        examples=("holdfast proj set team-a --description 'Shop and checkout'",),
    ),
    "edit": CommandSpec(
        "edit", "PROJECT", "Edit the spec of a project in $KUBE_EDITOR or $EDITOR.", _edit,
        least=1, most=1,
    ),
    "delete": CommandSpec(
        "delete", "PROJECT...", "Delete projects that no Application uses.", _delete,
        (), least=1, most=None,
    ),
}  # fmt: skip
