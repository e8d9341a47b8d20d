"""`up`, `sandbox`, `run`, `install`, `demo`: what keeps running, and how to get it running."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli import exit_codes
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, UsageError

if TYPE_CHECKING:
    import asyncio

    from holdfast.assembly.listeners import Certificate
    from holdfast.assembly.sandbox import ClusterSettings

_SWITCH, _NUMBER, _STRINGS = FlagKind.SWITCH, FlagKind.NUMBER, FlagKind.STRINGS
_LAST_PORT = 65_535
Serve = Callable[["asyncio.Event"], Awaitable[None]]


async def _serve(call: Call, work: Serve) -> int:
    """Run until Ctrl-C or SIGTERM, which are the way to end it and no failure."""
    import asyncio
    import logging
    import signal

    from holdfast.kit import logs

    level = getattr(logging, call.values.text("log-level").upper())
    logs.configure(
        level=level, as_json=call.values.text("log-format") == "json", stream=call.session.err
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await work(stop)
    return exit_codes.OK


def _folder(text: str) -> Path | None:
    return Path(text).absolute() if text else None


def _cluster(call: Call) -> "ClusterSettings":
    from holdfast.assembly.places import sandbox_data
    from holdfast.assembly.sandbox import MEMORY, ClusterSettings

    values = call.values
    data: Path | None = Path(values.text("data")) if values.text("data") else sandbox_data()
    if values.text("data") == MEMORY:
        data = None
    port = values.number("api-port")
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"--api-port {port}: a port is a number from 0 to {_LAST_PORT}")
    return ClusterSettings(
        data=data.absolute() if data is not None else None,
        api_port=port,
        kubeconfig=_folder(values.text("kubeconfig")),
    )


async def _up(call: Call) -> int:
    from holdfast.assembly.up import UpSettings, up

    values = call.values
    settings = UpSettings(
        cluster=_cluster(call),
        example=values.switch("example"),
        namespace=call.target.namespace,
        listen=values.text("listen"),
        metrics_listen=values.text("metrics-listen"),
        allow_local_repos=(str(_folder(".")), *values.texts("allow-local-repos")),
        journal=values.text("journal"),
        auth_disabled=values.switch("disable-auth"),
    )
    return await _serve(call, lambda stop: up(settings, stop, call.note, _ready(call)))


def _ready(call: Call) -> Callable[[str], None]:
    def ready(line: str) -> None:
        call.say(line)
        kubeconfig = line.rpartition("kubeconfig=")[2]
        call.hint(f"export KUBECONFIG={kubeconfig}   # then: kubectl get ns; Ctrl-C ends it")

    return ready


async def _sandbox(call: Call) -> int:
    from holdfast.assembly.sandbox import run_sandbox

    settings = _cluster(call)
    given = [f"--{flag.name}" for flag in _OF_UP if call.values.is_given(flag.name)]
    if given:
        call.note(
            f"{', '.join(given)}: without effect, since this is the cluster alone; "
            "`holdfast up` has a controller and a page, too"
        )
    return await _serve(call, lambda stop: run_sandbox(settings, stop, call.note, _ready(call)))


def _certificate(call: Call) -> "Certificate | None":
    from holdfast.assembly.listeners import Certificate

    chain, key = call.values.text("tls-cert-file"), call.values.text("tls-key-file")
    if not chain and not key:
        return None
    if not (chain and key):
        raise UsageError("--tls-cert-file and --tls-key-file belong together")
    certificate = Certificate(chain, key)
    certificate.check()
    return certificate


def _given(call: Call) -> tuple[tuple[str, str], ...]:
    """Return the keys that flags stand for, once they are good."""
    from holdfast.assembly.front_given import check_given

    values = call.values
    given = {key: values.text(f.name) for key, f in _PARAMETERS.items() if values.is_given(f.name)}
    try:
        check_given(given)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return tuple(given.items())


def _way_in(call: Call) -> tuple[str, float]:
    """Return a one-time link where nothing may be written, not even a first password."""
    from holdfast.assembly.listeners import OFF, is_loopback
    from holdfast.assembly.sign_in_link import new_link

    values, listen = call.values, call.values.text("listen")
    if not values.switch("observe") or values.switch("disable-auth") or listen in OFF:
        return "", 0.0
    return new_link() if is_loopback(listen) else ("", 0.0)


async def _run(call: Call) -> int:
    from holdfast.assembly.run import RunSettings, run_controller

    values = call.values
    code, until = _way_in(call)
    settings = RunSettings(
        kubeconfig=call.target.kubeconfig,
        context=call.target.context,
        namespace=call.target.namespace,
        listen=values.text("listen"),
        metrics_listen=values.text("metrics-listen"),
        allow_local_repos=values.texts("allow-local-repos"),
        observe=values.switch("observe"),
        take_over=values.switch("take-over"),
        selector=values.text("selector"),
        data=_folder(values.text("data")),
        journal=values.text("journal"),
        audit_token_file=values.text("audit-token-file"),
        tls=_certificate(call),
        auth_disabled=values.switch("disable-auth"),
        insecure=values.switch("insecure"),
        given=_given(call),
        sign_in_code=code,
        sign_in_until=until,
    )
    return await _serve(call, lambda stop: run_controller(settings, stop, call.note))


async def _serve_front(call: Call) -> int:
    from holdfast.assembly.front_settings import FrontSettings
    from holdfast.assembly.listeners import wants_own_tls
    from holdfast.assembly.serve import serve

    values = call.values
    certificate = _certificate(call)
    settings = FrontSettings(
        kubeconfig=call.target.kubeconfig,
        context=call.target.context,
        namespace=call.target.namespace,
        journal=values.text("journal"),
        allow_local_repos=values.texts("allow-local-repos"),
        auth_disabled=values.switch("disable-auth"),
        tls=(certificate.chain, certificate.key) if certificate is not None else (),
        makes_tls=wants_own_tls(
            values.text("listen"),
            has_files=certificate is not None,
            insecure=values.switch("insecure"),
        ),
        given=_given(call),
    )
    places = (values.text("listen"), values.text("metrics-listen"))
    return await _serve(call, lambda stop: serve(settings, *places, stop, call.note))


async def _install(call: Call) -> int:
    from holdfast.assembly.install import install_manifests, upgrade_definitions
    from holdfast.cli.documents import render_documents

    if call.values.switch("upgrade"):
        changed = await upgrade_definitions(call.target.kubeconfig, call.target.context)
        for name, outcome in changed:
            call.note(f"{name} {outcome}")
        return exit_codes.OK
    trees = install_manifests(
        call.target.namespace,
        crds_only=call.values.switch("crds-only"),
        image=call.values.text("image"),
    )
    call.say(render_documents(trees))
    return exit_codes.OK


async def _demo(call: Call) -> int:
    from holdfast.assembly.demo import run_demo

    return await run_demo(call.say, keep=call.values.switch("keep"))


_LISTEN = Flag(
    "listen", "Address of the page and the API; `off` opens none.",
    default="127.0.0.1:8080", metavar="HOST:PORT",
)  # fmt: skip
_ALLOW = Flag(
    "allow-local-repos", "Folders below which local repositories may be read.", _STRINGS,
    metavar="DIR",
)  # fmt: skip
_LOGS = (
    Flag("log-level", "How much to log.", default="info",
         choices=("debug", "info", "warning", "error")),
    Flag("log-format", "How to log.", default="text", choices=("text", "json")),
)  # fmt: skip
_CLUSTER = (
    Flag("api-port", "Port of the API server; 0 is a free one.", _NUMBER, default="16443"),
    Flag("kubeconfig", "Kubeconfig to write; by default DATA/kubeconfig.", metavar="FILE"),
    Flag("data", "Folder to keep it in; :memory: keeps nothing. By default "
         "${XDG_STATE_HOME:-~/.local/state}/holdfast/sandbox.", metavar="DIR"),
)  # fmt: skip


_JOURNAL = Flag(
    "journal", "Path or DSN (postgresql://...) of the journal; off keeps none. By default "
    "DATA/journal.db; without --data `run` keeps it in "
    "${XDG_STATE_HOME:-~/.local/state}/holdfast/journal.db.", metavar="DSN",
)  # fmt: skip


_TLS = (
    Flag("tls-cert-file", "Serve --listen with TLS: PEM file of the certificate and its chain. "
         "Without it, an address that others reach has the certificate of Secret "
         "argocd-server-tls or argocd-secret, or one that is made and kept there.",
         metavar="FILE"),
    Flag("tls-key-file", "PEM file of the key of --tls-cert-file.", metavar="FILE"),
    Flag("insecure", "Plain HTTP where others reach --listen, too: behind a proxy that has TLS.",
         _SWITCH),
)  # fmt: skip
_PARAMETERS = {
    "server.rootpath": Flag(
        "rootpath", "Serve everything below this path: requests come with it.", metavar="PATH"),
    "server.basehref": Flag(
        "basehref", "The path that a proxy in front takes off: links need it.", metavar="PATH"),
    "server.x.frame.options": Flag(
        "x-frame-options", "Who may frame the page: deny, sameorigin, or nothing for no header. "
        "By default deny.", metavar="TEXT"),
    "server.tls.minversion": Flag(
        "tlsminversion", "Least version of TLS, 1.2 or 1.3.", metavar="VERSION"),
    "server.tls.maxversion": Flag(
        "tlsmaxversion", "Highest version of TLS, 1.2 or 1.3.", metavar="VERSION"),
    "server.tls.ciphers": Flag(
        "tlsciphers", "Ciphers of TLS 1.2, by Go's or OpenSSL's names with : between.",
        metavar="LIST"),
}  # fmt: skip
"""Flags in place of keys of `argocd-cmd-params-cm`; without them the ConfigMap counts, followed."""
_DISABLE_AUTH = Flag(
    "disable-auth", "Nobody has to sign in, and everybody may do everything; on loopback only.",
    _SWITCH,
)  # fmt: skip


_EXAMPLE = Flag("example", "Make the sample repository and its two Applications.", _SWITCH)
# `sandbox` takes the flags of `up`, so that one word is all that differs; these do nothing there.
_OF_UP = tuple(replace(flag, hidden=True) for flag in (_EXAMPLE, _LISTEN, _ALLOW))


def _metrics_listen(default: str) -> Flag:
    return Flag(
        "metrics-listen", "Address of /metrics; `off` opens none.", default=default,
        metavar="HOST:PORT",
    )  # fmt: skip


COMMANDS = {
    "up": CommandSpec(
        "up",
        "",
        "Start a small cluster and the controller in one process, for trying things out. "
        "Ready when it prints `ready api=… kubeconfig=…`; Ctrl-C ends it.",
        _up,
        (
            _EXAMPLE,
            _LISTEN,
            _DISABLE_AUTH,
            *_CLUSTER,
            _ALLOW,
            _metrics_listen("off"),
            _JOURNAL,
            *_LOGS,
        ),
        examples=("holdfast up --example", "holdfast up --data :memory: --api-port 0"),
        serves=True,
    ),
    "sandbox": CommandSpec(
        "sandbox",
        "",
        "Start the small cluster alone.",
        _sandbox,
        (*_CLUSTER, *_LOGS, *_OF_UP),
        serves=True,
    ),
    "run": CommandSpec(
        "run",
        "",
        "Run the controller against the cluster of the kubeconfig. Installs what is missing "
        "(CRDs, namespace, AppProject default) and says so.",
        _run,
        (
            _LISTEN,
            _DISABLE_AUTH,
            _metrics_listen("127.0.0.1:8082"),
            _ALLOW,
            Flag("observe", "Compare and report; write nothing.", _SWITCH),
            Flag("take-over", "Start although Argo CD's controller runs here.", _SWITCH),
            Flag("selector", "Only Applications with these labels.", short="l"),
            Flag("data", "Folder for copies of repositories; by default one for each cluster.",
                 metavar="DIR"),
            _JOURNAL,
            *_TLS,
            *_PARAMETERS.values(),
            Flag("audit-token-file", "Take the audit webhook of kube-apiserver at POST /audit of "
                 "--listen: who asks must know the token in this file. Without it: off. "
                 "kube-apiserver sends a token over TLS alone (--tls-cert-file).",
                 metavar="FILE"),
            *_LOGS,
        ),
        examples=("holdfast run --observe", "holdfast run --namespace argocd --selector team=a"),
        serves=True,
    ),
    "serve": CommandSpec(
        "serve",
        "",
        "Serve the API and the page alone, next to a controller that runs elsewhere. `run` and "
        "`up` serve them by themselves.",
        _serve_front,
        (
            _LISTEN,
            _metrics_listen("off"),
            _ALLOW,
            _DISABLE_AUTH,
            _JOURNAL,
            *_TLS,
            *_PARAMETERS.values(),
            *_LOGS,
        ),
        examples=("holdfast serve --listen 127.0.0.1:8080",),
        serves=True,
    ),
    "install": CommandSpec(
        "install",
        "",
        "Print the manifests that install Holdfast: CRDs, namespace, ServiceAccount, RBAC, "
        "Deployment, Service, ConfigMaps.",
        _install,
        (
            Flag("crds-only", "Only the CustomResourceDefinitions.", _SWITCH),
            Flag("image", "Container image of the Deployment; none is published yet. Its entry "
                 "point is `holdfast`, and it has `kustomize`."),
            Flag("upgrade", "Bring the CRDs of the cluster up to date, now.", _SWITCH),
        ),
        examples=(
            "holdfast install --image registry.example.com/holdfast:0.1.0 \\",
            "    | kubectl apply --server-side -f -",
        ),
    ),
    "demo": CommandSpec(
        "demo",
        "",
        "Show self-healing in under a minute, on a sandbox of its own.",
        _demo,
        (Flag("keep", "Leave the sandbox running at the end, until Ctrl-C.", _SWITCH),),
        reaches_cluster=False,
        serves=True,
    ),
}  # fmt: skip
