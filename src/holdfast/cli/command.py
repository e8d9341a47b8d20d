"""Commands: click's help and completion, pflag's parsing, one coroutine each.

`CommandSpec` is the table row of a command; `PflagCommand` gives it to click; `LazyGroup` imports
the module of a command only when somebody uses it.
"""

import importlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from holdfast.assembly.chosen_server import ChosenServer
from holdfast.cli import exit_codes
from holdfast.cli.pflag import (
    Flag,
    FlagKind,
    Parsed,
    RefusedError,
    UsageError,
    Values,
    parse,
)
from holdfast.cli.session import DEFAULT_NAMESPACE, NAMESPACE_VARIABLE, Link, Session, Target

if TYPE_CHECKING:
    from holdfast.domain.identity import AppKey

GLOBAL_FLAGS = (
    Flag("kubeconfig", "Kubeconfig file; else $KUBECONFIG, ~/.kube/config, in-cluster.",
         metavar="FILE"),
    Flag("kube-context", "Context of the kubeconfig; else the current one.", metavar="NAME"),
    Flag("namespace", f"Control namespace; else ${NAMESPACE_VARIABLE}, else argocd.", short="n",
         metavar="NAME"),
    Flag("core", "Straight to the cluster, also where a server is named.", FlagKind.SWITCH),
)  # fmt: skip
# Of `argocd`'s own wire and parts, which are not here: existing scripts give them all the same.
_ACCEPTED_FLAGS = (
    Flag("grpc-web", "Accepted; requests are REST.", FlagKind.SWITCH, hidden=True),
    Flag("grpc-web-root-path", "Root path of the server, as a path of --server.", metavar="PATH",
         hidden=True),
    Flag("http-retry-max", "Accepted.", FlagKind.NUMBER, default="0", hidden=True),
    *(
        Flag(name, "Accepted; there is no such part.", hidden=True)
        for name in ("controller-name", "repo-server-name", "server-name", "redis-name",
                     "redis-haproxy-name", "redis-compress", "loglevel", "logformat")
    ),
)  # fmt: skip
SERVER_FLAGS = (
    Flag("server", "Go through this Holdfast server; else $HOLDFAST_SERVER, else the current "
         "context of `holdfast context`, else straight to the cluster.",
         metavar="HOST[:PORT][/PATH]"),
    Flag("auth-token", "Token for the server; else $HOLDFAST_AUTH_TOKEN, else that of "
         "`holdfast login`.", metavar="TOKEN"),
    Flag("server-context", "Context of the configuration file; else the current one.",
         metavar="NAME"),
    Flag("config", "Configuration file of servers; else ~/.config/holdfast/config.",
         metavar="FILE"),
    Flag("plaintext", "Speak to the server without TLS.", FlagKind.SWITCH),
    Flag("insecure", "Do not check the server's certificate.", FlagKind.SWITCH),
    Flag("server-crt", "PEM file of the server's authority.", metavar="FILE"),
    Flag("header", "Add a header to each request to the server.", FlagKind.STRINGS, short="H",
         metavar="NAME: VALUE"),
    *_ACCEPTED_FLAGS,
)  # fmt: skip

APP_NAMESPACE = Flag(
    "app-namespace", "Namespace of the Application, when it is not the control namespace.",
    short="N", metavar="NAME",
)  # fmt: skip


class Call:
    """One call of a command: what was typed, where to print, how to reach the cluster."""

    def __init__(self, session: Session, parsed: Parsed, target: Target) -> None:
        """Keep the parts."""
        self.session = session
        self.values: Values = parsed.values
        self.arguments = parsed.arguments
        self.target = target

    def link(self) -> AbstractAsyncContextManager[Link]:
        """Open the way to the cluster."""
        return self.session.connect(self.target)

    def say(self, text: str = "", *, end: str = "\n") -> None:
        """Print data."""
        print(text, end=end, file=self.session.out, flush=True)

    def note(self, text: str) -> None:
        """Print something for the person, not for the program that reads stdout."""
        print(text, file=self.session.err, flush=True)

    def hint(self, text: str) -> None:
        """Print what to do next, after a blank line."""
        self.note(f"\nhint: {text}")

    def app(self, name: str = "") -> "AppKey":
        """The Application that an argument names: `NAME` or `NAMESPACE/NAME`.

        Raises:
            UsageError: the argument names two different namespaces, or is no name.
        """
        from holdfast.domain.identity import AppKey

        text = name or self.arguments[0]
        namespace, slash, bare = text.rpartition("/")
        flag = self.values.text(APP_NAMESPACE.name) if self.values.knows(APP_NAMESPACE.name) else ""
        if not bare or "/" in namespace or (slash and not namespace):
            raise UsageError(f'"{text}" is no application name: give NAME or NAMESPACE/NAME')
        if namespace and flag and namespace != flag:
            raise UsageError(f'"{text}" and --app-namespace {flag} name different namespaces')
        return AppKey(namespace or flag or self.target.namespace, bare)


Handler = Callable[[Call], Coroutine[Any, Any, int]]


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table of commands.

    Attributes:
        name: The word that is typed.
        usage: Arguments as shown in help: `APPNAME`, `[APPNAME...]`.
        help: What it does; the first sentence is the line in the list of commands.
        run: What carries it out and returns the exit code.
        flags: Its own flags, without the global ones.
        least, most: How many arguments it takes; `most` None is any number.
        examples: Lines that a person would type.
        wrong_arguments: Exit code when the number of arguments is wrong.
        reaches_cluster: Whether the global flags (kubeconfig, namespace) make sense for it.
        serves: Whether it keeps running, so that a faster event loop is worth its import.
    """

    name: str
    usage: str
    help: str
    run: Handler
    flags: tuple[Flag, ...] = ()
    least: int = 0
    most: int | None = 0
    examples: tuple[str, ...] = ()
    wrong_arguments: int = exit_codes.USAGE
    reaches_cluster: bool = True
    serves: bool = False

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """Its flags and the global ones; a flag of its own wins over a global one."""
        everywhere = GLOBAL_FLAGS if self.serves else (*GLOBAL_FLAGS, *SERVER_FLAGS)
        own = {flag.name for flag in self.flags}
        shorts = {flag.short for flag in self.flags if flag.short}
        extra = tuple(
            flag
            for flag in everywhere
            if flag.name not in own and (not flag.short or flag.short not in shorts)
        )
        return self.flags + (extra if self.reaches_cluster else ())


def _run(work: Coroutine[Any, Any, int], *, fast: bool) -> int:
    import asyncio

    if not fast:
        return asyncio.run(work)
    try:
        import uvloop
    except ImportError:  # it has no wheel for every platform
        return asyncio.run(work)
    return uvloop.run(work)


class BadCall(Exception):  # noqa: N818 - it carries an exit code, it is no failure of ours
    """The call cannot be understood; carries the usage line and the exit code."""

    def __init__(self, message: str, usage: str, code: int = exit_codes.USAGE) -> None:
        """Keep the parts."""
        super().__init__(message)
        self.usage = usage
        self.code = code


class PflagCommand(click.Command):
    """A command whose arguments are read by `pflag.parse`."""

    def __init__(self, spec: CommandSpec) -> None:
        """Give click what it needs for help and completion."""
        epilog = "\b\nExamples:\n" + "\n".join(f"  {x}" for x in spec.examples)
        super().__init__(
            spec.name,
            params=[_option(flag) for flag in spec.all_flags],
            help=spec.help,
            epilog=epilog if spec.examples else None,
        )
        self.spec = spec

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as pflag does; completion asks with half a line and must not fail."""
        try:
            parsed = parse(args, self.spec.all_flags)
        except UsageError as error:
            if ctx.resilient_parsing:
                return []
            raise BadCall(str(error), ctx.get_usage()) from error
        if ctx.resilient_parsing:
            return []
        if parsed.wants_help:
            click.echo(ctx.get_help())
            ctx.exit()
        self._check_count(ctx, parsed)
        ctx.meta["holdfast.parsed"] = parsed
        return []

    def invoke(self, ctx: click.Context) -> int:
        """Run the command to its end and return its exit code."""
        session: Session = ctx.obj
        parsed: Parsed = ctx.meta["holdfast.parsed"]
        call = Call(session, parsed, self._target(ctx, session, parsed.values))
        try:
            return _run(self.spec.run(call), fast=self.spec.serves)
        except RefusedError as error:
            raise BadCall(str(error), "") from error
        except UsageError as error:
            raise BadCall(str(error), ctx.get_usage()) from error
        except Exception as error:
            from holdfast.cli.completion import suggest_name

            suggest_name(error, session, call.target)
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Offer names of Applications, beside the flags that click knows."""
        found = list(super().shell_complete(ctx, incomplete))
        if "APPNAME" in self.spec.usage and not incomplete.startswith("-"):
            from holdfast.cli.completion import application_names

            target = self._target(ctx, ctx.obj, Values(self.spec.all_flags, {}))
            found += application_names(ctx.obj, target, incomplete)
        return found

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """`[flags] ARGUMENTS`."""
        del ctx
        return ["[flags]", *([self.spec.usage] if self.spec.usage else [])]

    def _check_count(self, ctx: click.Context, parsed: Parsed) -> None:
        count = len(parsed.arguments)
        if count < self.spec.least or (self.spec.most is not None and count > self.spec.most):
            wanted = self.spec.usage or "no arguments"
            raise BadCall(
                f"{ctx.command_path} takes {wanted}, {count} given",
                ctx.get_usage(),
                self.spec.wrong_arguments,
            )

    def _target(self, ctx: click.Context, session: Session, values: Values) -> Target:
        def look_up(name: str) -> str:
            # A flag of the command's own may have the same name: `app logs --namespace`.
            is_global = any(
                flag.name == name and flag in (*GLOBAL_FLAGS, *SERVER_FLAGS)
                for flag in self.spec.all_flags
            )
            if is_global and values.is_given(name):
                return "\n".join(values.texts(name))
            parent: click.Context | None = ctx.parent
            while parent is not None:
                found = parent.params.get(name.replace("-", "_"))
                if found:
                    return "\n".join(found) if isinstance(found, tuple) else str(found)
                parent = parent.parent
            return ""

        return Target(
            kubeconfig=look_up("kubeconfig"),
            context=look_up("kube-context"),
            namespace=look_up("namespace")
            or session.environ.get(NAMESPACE_VARIABLE, "")
            or DEFAULT_NAMESPACE,
            server=_chosen_server(look_up),
        )


def _chosen_server(look_up: Callable[[str], str]) -> ChosenServer:
    """Return the server that the flags name; a flag that names a cluster wins over a context."""
    address, context = look_up("server"), look_up("server-context")
    names_cluster = bool(look_up("kubeconfig") or look_up("kube-context"))
    return ChosenServer(
        address=address,
        root_path=look_up("grpc-web-root-path"),
        token=look_up("auth-token"),
        plaintext=_is_on(look_up("plaintext")),
        insecure=_is_on(look_up("insecure")),
        certificate=look_up("server-crt"),
        headers=tuple(line for line in look_up("header").split("\n") if line),
        config=look_up("config"),
        context=context,
        is_off=_is_on(look_up("core")) or (names_cluster and not address and not context),
    )


def _is_on(text: str) -> bool:
    return text.lower() in ("true", "1", "t")


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is imported when it is used: its module has `COMMANDS[name]`."""

    name: str
    module: str
    help: str
    hidden: bool = field(default=False)


class LazyGroup(click.Group):
    """A group whose commands are imported on use, so that `--help` costs nothing."""

    def __init__(
        self,
        name: str,
        entries: Sequence[Entry],
        text: str,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keep the table; global flags may stand before the command too.

        Args:
            name: Its own name.
            entries: Its commands.
            text: What it is for.
            elsewhere: Commands that people know from `argocd` and that are not built, with what
                does the same.
        """
        super().__init__(
            name,
            help=text,
            params=[_option(flag) for flag in (*GLOBAL_FLAGS, *SERVER_FLAGS)],
            no_args_is_help=False,
            invoke_without_command=True,
        )
        self._entries = {entry.name: entry for entry in entries}
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        del ctx
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        del ctx
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(entry.module).COMMANDS[cmd_name]
        return command if isinstance(command, click.Command) else PflagCommand(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which ones look alike."""
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(args[0], self._entries, n=1)
            also = f'; did you mean "{near[0]}"?' if near else ""
            unknown = f'unknown command "{args[0]}" for "{ctx.command_path}"'
            if args[0] in self._elsewhere:
                raise BadCall(f"{unknown}\n\nhint: {self._elsewhere[args[0]]}", "")
            raise BadCall(f"{unknown}{also}", ctx.get_usage())
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command; without one, show the help (exit 1 as cobra groups do not)."""
        if not ctx._protected_args and not ctx.args:  # noqa: SLF001 - click's own idiom
            click.echo(ctx.get_help())
            return exit_codes.OK
        return int(super().invoke(ctx) or 0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing nothing."""
        del ctx
        rows = [(entry.name, entry.help) for entry in self._entries.values() if not entry.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """`[flags] COMMAND …`."""
        del ctx
        return ["[flags]", "COMMAND", "..."]


def _option(flag: Flag) -> click.Option:
    names = [f"--{flag.name}"] + ([f"-{flag.short}"] if flag.short else [])
    many = flag.kind in (FlagKind.STRINGS, FlagKind.LINES)
    text = flag.help
    if flag.default and not (flag.kind is FlagKind.SWITCH and flag.default == "false"):
        text += f" (default {flag.default})"
    if flag.kind is FlagKind.SWITCH:
        return click.Option(names, is_flag=True, help=text, hidden=flag.hidden)
    return click.Option(
        names,
        help=text,
        hidden=flag.hidden,
        multiple=many,
        type=click.Choice(flag.choices) if flag.choices and not many else str,
        metavar=flag.metavar or (None if flag.choices else flag.kind.value.upper()),
    )
