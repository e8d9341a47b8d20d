"""The embedded cluster for tests: in a thread of the test process, over a real loopback socket."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import uvloop

from holdfast.sandbox import Sandbox, SandboxSettings

if TYPE_CHECKING:
    from pathlib import Path


class AnyPlane(Protocol):
    """What the sandbox and the real control plane have in common."""

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of an administrator."""

    @property
    def url(self) -> str:
        """The address of the API server."""

    @property
    def token(self) -> str:
        """The administrator's token."""


@dataclass
class SandboxPlane:
    """A running sandbox.

    Attributes:
        settings: How it runs.
    """

    settings: SandboxSettings = field(default_factory=SandboxSettings)
    _sandbox: Sandbox | None = None
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _stop: asyncio.Event | None = None
    _failure: BaseException | None = None

    @classmethod
    def start(cls, settings: SandboxSettings | None = None) -> Self:
        """Start one and return when it answers."""
        plane = cls(settings or SandboxSettings())
        plane._thread = threading.Thread(target=plane._run, name="sandbox", daemon=True)
        plane._thread.start()
        plane._ready.wait(30)
        if plane._failure is not None:
            raise plane._failure
        return plane

    def _run(self) -> None:
        uvloop.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with Sandbox(self.settings) as sandbox:
                self._sandbox = sandbox
                self._ready.set()
                await self._stop.wait()
        except BaseException as error:  # noqa: BLE001 # the test's thread raises it
            self._failure = error
            self._ready.set()

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox itself."""
        assert self._sandbox is not None
        return self._sandbox

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig."""
        return self.sandbox.kubeconfig_path

    @property
    def url(self) -> str:
        """The address."""
        return self.sandbox.url

    @property
    def token(self) -> str:
        """The bearer token."""
        return self.sandbox.token

    def stop(self) -> None:
        """End it. A second call does nothing."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            self._thread = self._loop = None
