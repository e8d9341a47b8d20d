"""The embedded cluster as a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.sandbox.server import Sandbox
from holdfast.sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Say = Callable[[str], None]
MEMORY = ":memory:"
"""`--data` that keeps nothing."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where the embedded cluster listens and keeps itself.

    Attributes:
        data: Folder, or None to keep nothing.
        api_port: Port on loopback; 0 is a free one.
        kubeconfig: File to write; None for `kubeconfig` in the data folder.
    """

    data: Path | None
    api_port: int = 16443
    kubeconfig: Path | None = None


def ready_line(sandbox: Sandbox) -> str:
    """Return the one line of stdout that says that the cluster can be used."""
    return f"ready api={sandbox.url} kubeconfig={sandbox.kubeconfig_path}"


@asynccontextmanager
async def sandbox_running(settings: ClusterSettings) -> "AsyncIterator[Sandbox]":
    """Run the embedded cluster for the time of the block.

    Raises:
        ConfigurationError: HF3007, another process has the data folder; HF3009, the port is taken.
    """
    sandbox = Sandbox(
        SandboxSettings(data=settings.data, port=settings.api_port, kubeconfig=settings.kubeconfig)
    )
    try:
        await sandbox.start()
    except OSError as error:
        raise ConfigurationError(
            "HF3009",
            f"--api-port {settings.api_port} cannot be used: {error.strerror or error}",
            hint="give another one, or --api-port 0 for any free port",
            retry=Retry.NEVER,
        ) from error
    try:
        yield sandbox
    finally:
        await sandbox.stop()


async def run_sandbox(
    settings: ClusterSettings, stop: asyncio.Event, say: Say, ready: Callable[[str], None]
) -> None:
    """Run the embedded cluster until `stop` is set."""
    async with sandbox_running(settings) as sandbox:
        say(notice(settings))
        ready(ready_line(sandbox))
        await stop.wait()


def notice(settings: ClusterSettings) -> str:
    """Return what a person should know about this cluster."""
    kept = f"it is kept in {settings.data}" if settings.data else "nothing of it is kept"
    return f"a sandbox for trying and tests, on this machine only; {kept}"
