"""Sandbox and controller in one process: a laptop without a cluster, ready in a second or two."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.assembly.journal import default_journal
from holdfast.assembly.run import Running, RunSettings, run_controller
from holdfast.assembly.sandbox import ClusterSettings, notice, ready_line, sandbox_running
from holdfast.assembly.sign_in_link import new_link, tell_link
from holdfast.domain.commands import CreateApplication
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import GetApplication

if TYPE_CHECKING:
    from holdfast.assembly.sample import Sample

Say = Callable[[str], None]
_NO_SUCH_APPLICATION = "HF3003"


@dataclass(frozen=True, slots=True)
class UpSettings:
    """The options of `holdfast up`.

    Attributes:
        cluster: The embedded cluster.
        example: Make the sample repository and its two Applications.
        namespace: The control namespace.
        listen, metrics_listen: `HOST:PORT`, or `off`.
        allow_local_repos: Folders below which local repositories may be read, beside our own.
        journal: DSN or path; `""` is `journal.db` in the cluster's folder, `off` keeps none.
        auth_disabled: Nobody has to sign in; loopback only.
    """

    cluster: ClusterSettings
    example: bool = False
    namespace: str = "argocd"
    listen: str = "127.0.0.1:8080"
    metrics_listen: str = "off"
    allow_local_repos: tuple[str, ...] = ()
    journal: str = ""
    auth_disabled: bool = False


async def up(
    settings: UpSettings, stop: asyncio.Event, say: Say, ready: Callable[[str], None]
) -> None:
    """Run until `stop` is set; `ready` is told once everything answers.

    Raises:
        HoldfastError: it cannot start.
    """
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(sandbox_running(settings.cluster))
        data = settings.cluster.data
        if data is None:
            # What a controller must write to disk (checkouts) goes with the process.
            folder = tempfile.TemporaryDirectory(prefix="holdfast-up-")
            data = Path(stack.enter_context(folder))
        running = Running()
        code, until = ("", 0.0) if settings.auth_disabled else new_link()
        run_settings = RunSettings(
            kubeconfig=str(sandbox.kubeconfig_path),
            namespace=settings.namespace,
            listen=settings.listen,
            metrics_listen=settings.metrics_listen,
            allow_local_repos=(str(data), *settings.allow_local_repos),
            data=data / "controller",
            journal=settings.journal
            or default_journal(journal_folder(settings.cluster, sandbox.kubeconfig_path, data)),
            auth_disabled=settings.auth_disabled,
            insecure=True,  # a sandbox is for this machine alone
            sign_in_code=code,
            sign_in_until=until,
        )
        say(notice(settings.cluster))
        async with asyncio.TaskGroup() as group:
            work = group.create_task(run_controller(run_settings, stop, say, running))
            await _until(running.started, work)
            if settings.example:
                await make_example(
                    str(sandbox.kubeconfig_path), settings.namespace, data / "example", say
                )
            ready(ready_line(sandbox))
            tell_link(running.address, code, say)
            await work


def journal_folder(cluster: ClusterSettings, kubeconfig: Path, data: Path) -> Path:
    """Return where the journal goes: beside the kubeconfig, by which `holdfast drift` finds it.

    Args:
        cluster: Settings of the cluster.
        kubeconfig: The file that was written.
        data: The folder of the controller.
    """
    is_beside = cluster.kubeconfig is None or cluster.kubeconfig.parent == data
    return kubeconfig.parent if is_beside else data


async def make_example(kubeconfig: str, namespace: str, folder: Path, say: Say) -> "Sample":
    """Make the sample repository (unless it is there) and both Applications."""
    # Imported here: `up` alone needs neither git nor what answers requests.
    from holdfast.assembly.direct import open_direct  # noqa: PLC0415
    from holdfast.assembly.sample import Sample, applications  # noqa: PLC0415

    sample = await asyncio.to_thread(Sample.open_or_create, folder / "go-sample-app")
    async with open_direct(kubeconfig, namespace=namespace) as link:
        for manifest in applications(sample, namespace):
            name = manifest["metadata"]["name"]
            try:
                await link.queries.answer(GetApplication(AppKey(namespace, name)), "")
            except ConfigurationError as error:
                if error.code != _NO_SUCH_APPLICATION:
                    raise
                await link.commands.carry_out(CreateApplication(manifest, validate=False), "")
                say(f"application '{name}' created")
            else:
                # Somebody may have changed it since: it is theirs now.
                say(f"application '{name}' is there and stays as it is")
    say(f"its repository is {sample.folder}; commit there and see it rolled out")
    return sample


async def _until(started: asyncio.Event, work: "asyncio.Task[None]") -> None:
    """Wait until the controller has started, or has failed to."""
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(started.wait())
        await asyncio.wait({waiting, work}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
