"""`app adopt`: take what was changed in the cluster into git."""

from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.cli.selection import Selection
from holdfast.domain.commands import AdoptDrift
from holdfast.domain.queries import GetApplication, PlanAdoption

if TYPE_CHECKING:
    from holdfast.domain.operation import SelectedResource

Tree = dict[str, Any]
_SWITCH = FlagKind.SWITCH
_MOST_SHOWN = 60


async def _adopt(call: Call) -> int:
    values = call.values
    commits = values.switch("commit") or bool(values.text("branch"))
    _check_flags(call, commits=commits)
    selection = Selection.parse(values.texts("resource"))
    key = call.app()
    async with call.link() as link:
        resources: tuple[SelectedResource, ...] = ()
        if not selection.is_everything:
            app = await link.queries.answer(GetApplication(key), "")
            resources = selection.resources(app)
        if not commits:
            plan = await link.queries.answer(PlanAdoption(key, resources), "")
            return _show_plan(call, plan)
        done = await link.commands.carry_out(
            AdoptDrift(
                key,
                values.text("message"),
                resources,
                author=values.text("author"),
                branch=values.text("branch"),
                push=values.switch("push"),
            ),
            "",
        )
    return _show_commits(call, done.tree or {})


def _check_flags(call: Call, *, commits: bool) -> None:
    values = call.values
    if commits and values.is_given("diff") and values.switch("diff"):
        raise UsageError("--diff only shows; give it or --commit, not both")
    if commits and not values.text("message").strip():
        raise UsageError("a commit needs a message: -m MESSAGE")
    for name in ("push", "message", "author"):
        if not commits and values.is_given(name):
            raise UsageError(f"--{name} goes with --commit or --branch")
    if values.switch("push") and not values.text("branch"):
        raise UsageError("--push goes with --branch NAME")


def _is_json(call: Call) -> bool:
    return call.values.text("output") == "json"


def _show_json(call: Call, answer: Tree) -> int:
    import json

    call.say(json.dumps(answer, indent=2, ensure_ascii=False))
    works = answer["diff"] or not answer["refused"]
    return exit_codes.OK if works else exit_codes.FAILED


def _show_plan(call: Call, plan: Tree) -> int:
    if _is_json(call):
        return _show_json(call, plan)
    call.say(plan["diff"], end="")
    _show_refused(call, plan)
    if plan["diff"]:
        name = call.arguments[0]
        call.hint(f'holdfast app adopt {name} --commit -m "…"   # or --branch NAME --push')
    elif not plan["refused"]:
        call.note("Nothing to adopt: the cluster holds what git declares.")
    return exit_codes.OK if plan["diff"] or not plan["refused"] else exit_codes.FAILED


def _show_commits(call: Call, answer: Tree) -> int:
    if _is_json(call):
        return _show_json(call, answer)
    commits = answer.get("commits") or []
    if commits:
        for item in answer["adopted"]:
            change = f"{_value(item['git'])} -> {_value(item['live'])}"
            call.say(f"adopted  {_object(item)}  {item['field']}: {change}  ({item['file']})")
    for commit in commits:
        where = f"{commit['branch']}, pushed" if commit["pushed"] else commit["branch"]
        call.say(f"commit {commit['sha']} ({where}) by {commit['author']}")
    _show_refused(call, answer)
    if commits:
        return exit_codes.OK
    if answer.get("refused"):
        call.note("Nothing was committed.")
        return exit_codes.FAILED
    call.note("Nothing to adopt: the cluster holds what git declares.")
    return exit_codes.OK


def _show_refused(call: Call, answer: Tree) -> None:
    for item in answer.get("refused") or ():
        fields = ", ".join(item["fields"])
        call.note(f"not adopted: {_object(item)}{f': {fields}' if fields else ''}")
        call.note(f"  because {item['reason']}.")
        if item["patch"]:
            call.note("  The change as a patch:")
            call.note("".join(f"    {line}\n" for line in item["patch"].splitlines()).rstrip("\n"))


def _object(item: Tree) -> str:
    kind = f"{item['group']}/{item['kind']}" if item["group"] else str(item["kind"])
    where = f"{item['namespace']}/" if item["namespace"] else ""
    return f"{kind} {where}{item['name']}"


def _value(value: Any) -> str:
    import json

    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


COMMANDS = {
    "adopt": CommandSpec(
        "adopt",
        "APPNAME",
        "Take what was changed in the cluster into git: a diff, a commit, or a pushed branch.",
        _adopt,
        (
            Flag("diff", "Only show the change of the files (this is the default).", _SWITCH),
            Flag("commit", "Commit it on the branch that the Application follows.", _SWITCH),
            Flag("message", "Message of the commit.", short="m"),
            Flag("author", 'Author, "Name <mail>"; else who git says you are.'),
            Flag("branch", "Commit on a new branch of this name instead.", metavar="NAME"),
            Flag("push", "Push that branch.", _SWITCH),
            Flag(
                "resource",
                "Only these: [!]GROUP:KIND:[NAMESPACE/]NAME, with *.",
                FlagKind.LINES,
            ),
            Flag("output", "How to print.", short="o", choices=("json",)),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=(
            "holdfast app adopt web",
            'holdfast app adopt web --commit -m "INC-123: two more replicas"',
            "holdfast app adopt web --resource apps:Deployment:web --branch inc-123 --push "
            '-m "INC-123"',
        ),
    )
}
