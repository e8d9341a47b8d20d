"""`Sandbox`: start and stop the embedded cluster."""

import asyncio
import socket
import sqlite3
from pathlib import Path
from typing import Self

import uvicorn

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.sandbox.admission import shapes
from holdfast.sandbox.admission.builtin_rules import make_rules
from holdfast.sandbox.admission.shapes import Shapes
from holdfast.sandbox.bootstrap import lay_foundation
from holdfast.sandbox.controllers.staff import Staff
from holdfast.sandbox.folder import DataFolder
from holdfast.sandbox.http.application import Application, Handlers
from holdfast.sandbox.http.changing import Changer
from holdfast.sandbox.http.conversion import Viewer
from holdfast.sandbox.http.discovery import Discovery
from holdfast.sandbox.http.reading import Reader
from holdfast.sandbox.http.subresources import Subresources
from holdfast.sandbox.http.watch import Watches
from holdfast.sandbox.kinds.registry import Registry
from holdfast.sandbox.openapi.documents import Documents
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.protobuf import decoding
from holdfast.sandbox.settings import SandboxSettings
from holdfast.sandbox.store.database import Database
from holdfast.sandbox.store.objects import Store
from holdfast.sandbox.verbs.deleting import Deleter
from holdfast.sandbox.verbs.patching import Patcher
from holdfast.sandbox.verbs.writing import Writer

ADDRESS = "127.0.0.1"
# Seconds for clients to read the end of their answers when the server stops.
GOODBYE_S = 0.3


class Sandbox:
    """An embedded, Kubernetes-compatible cluster on loopback.

    Attributes:
        url: `https://127.0.0.1:<port>` once it is ready.
        kubeconfig_path: The kubeconfig that was written.
        ca_pem: The authority that signs the server's certificate.
        token: The bearer token.
        ready: Whether it answers.
    """

    def __init__(self, settings: SandboxSettings) -> None:
        """Only keep the settings; `start` does the work."""
        self._settings = settings
        self._folder: DataFolder | None = None
        self._database: Database | None = None
        self._server: uvicorn.Server | None = None
        self._handlers: Handlers | None = None
        self._staff: Staff | None = None
        self.url = ""
        self.kubeconfig_path = settings.kubeconfig or Path()
        self.ca_pem = ""
        self.token = ""
        self.ready = False

    async def start(self) -> None:
        """Start; return when requests are answered and the kubeconfig is written.

        Raises:
            ConfigurationError: HF3007, another process holds the data folder; HF3009, the folder
                or a file of it cannot be used.
            OSError: The port is taken.
        """
        settings = self._settings
        self._folder = await asyncio.to_thread(DataFolder, settings.data, settings.clock)
        try:
            await self._start(self._folder)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, folder: DataFolder) -> None:
        await asyncio.to_thread(_read_tables)
        store = await self._open_store(folder)
        plane = Plane(
            store, Registry(), self._settings.clock, builtin_controllers=self._settings.controllers
        )
        handlers = self._handlers = _handlers(plane)
        writer, deleter = handlers.changer.writer, handlers.changer.deleter
        lay_foundation(plane, writer)
        self._staff = Staff(plane, writer, deleter, handlers.watches, folder.certificates.ca)
        self._staff.start()
        self.token, self.ca_pem = folder.token, folder.certificates.ca
        port = await self._serve(folder, Application(self._handlers, folder.token))
        self.url = f"https://{ADDRESS}:{port}"
        self.kubeconfig_path = self._settings.kubeconfig or folder.path / "kubeconfig"
        await asyncio.to_thread(folder.write_kubeconfig, self.kubeconfig_path, self.url)
        await store.settled()
        self.ready = True

    async def _open_store(self, folder: DataFolder) -> Store:
        if self._settings.data is None:
            return Store()
        store, database = await asyncio.to_thread(_read_store, folder.path / "objects.sqlite")
        self._database = database
        database.start()
        return store

    async def _serve(self, folder: DataFolder, application: Application) -> int:
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=90,
            timeout_graceful_shutdown=1,
            ssl_certfile=folder.path / "server.crt",
            ssl_keyfile=folder.path / "server.key",
        )
        listener = socket.create_server((ADDRESS, self._settings.port), backlog=256)
        listener.setblocking(False)
        await asyncio.to_thread(config.load)
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Not `serve()`: its main loop wakes ten times a second, and an idle cluster should sleep.
        await server.startup(sockets=[listener])
        self._server = server
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """End watches and connections, write what is left, let the folder go."""
        self.ready = False
        if self._staff is not None:
            self._staff.stop()
        if self._handlers is not None:
            self._handlers.plane.closing = True
            self._handlers.watches.close()
            self._handlers = None
        if self._server is not None:
            server, self._server = self._server, None
            await self._close(server)
        if self._database is not None:
            database, self._database = self._database, None
            await database.stop()
        if self._folder is not None:
            folder, self._folder = self._folder, None
            await asyncio.to_thread(folder.close)

    async def _close(self, server: uvicorn.Server) -> None:
        """Take no more connections, let answers be finished, then cut what is still open.

        A client that keeps a connection does not answer TLS's goodbye; nobody waits for it.
        """
        for listener in server.servers:
            listener.close()
        connections = server.server_state.connections
        for connection in tuple(connections):
            connection.shutdown()
        clock = self._settings.clock
        end = clock.monotonic() + GOODBYE_S
        while connections and clock.monotonic() < end:
            await clock.sleep(0.01)
        for connection in tuple(connections):
            if connection.transport is not None:
                connection.transport.abort()
        await clock.sleep(0)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()


def _read_tables() -> None:
    shapes.read_tables()
    decoding.read_tables()


def _read_store(path: Path) -> tuple[Store, Database]:
    try:
        database = Database(path)
        store = Store(database, database.last_version())
        for resource, key, tree, raw in database.objects():
            store.load(resource, key, tree, raw)
    except sqlite3.Error as error:
        raise ConfigurationError(
            "HF3009",
            f"The objects of the sandbox in {path} cannot be read: {error}.",
            hint="name another folder with --data, or remove this one to begin anew",
            retry=Retry.NEVER,
        ) from error
    return store, database


def _handlers(plane: Plane) -> Handlers:
    rules, types = make_rules(plane), Shapes()
    viewer = Viewer(plane.clock)
    reader = Reader(plane, viewer)
    writer = Writer(plane, rules, types)
    changer = Changer(plane, reader, writer, Patcher(plane, writer, types), Deleter(plane))
    return Handlers(
        plane=plane,
        reader=reader,
        changer=changer,
        watches=Watches(plane, viewer),
        discovery=Discovery(plane.registry),
        documents=Documents(plane.registry),
        subresources=Subresources(plane, changer),
    )
