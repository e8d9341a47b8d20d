"""A PostgreSQL of the tests' own: on the loopback, in a temporary folder, gone at the end.

It refuses to run as root; then it runs as `postgres`, or as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

_USER = "holdfast"


def find_programs() -> Path | None:
    """Returns the folder of initdb, pg_ctl and postgres."""
    for folder in (*_on_path(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)):
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    return None


def _on_path() -> list[Path]:
    found = shutil.which("initdb")
    return [Path(found).resolve().parent] if found else []


@dataclass
class Postgres:
    """A running server."""

    programs: Path
    folder: Path
    port: int

    @classmethod
    def start(cls, programs: Path) -> Self:
        """Makes a cluster and starts it."""
        folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        server = cls(programs, folder, port)
        account = server._account()
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        server._run("initdb", "-D", str(folder / "data"), "-U", _USER, "--auth=trust", "-E", "UTF8",
                    "--no-sync")  # fmt: skip
        server.begin()
        return server

    def begin(self) -> None:
        """Starts the server of an existing cluster."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k ''"
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-t", "30", "-o", options,
                  "-l", str(self.folder / "log"), "start")  # fmt: skip

    def end(self) -> None:
        """Stops the server; its data stays."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def stop(self) -> None:
        """Stops the server and removes everything."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """Makes an empty database; returns its DSN."""
        name = f"t_{uuid.uuid4().hex[:10]}"
        server = f"postgresql://{_USER}@127.0.0.1:{self.port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{server}/{name}"

    def _account(self) -> pwd.struct_passwd | None:
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise RuntimeError("PostgreSQL does not run as root, and there is no other account")

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account()
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
