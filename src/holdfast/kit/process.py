"""Run a program: a list of words, a clean environment, limits on time, output, CPU and memory.

No shell, ever. The program gets a session (and so a process group) of its own, and the whole group
is killed when it runs too long or prints too much, and when the caller is cancelled.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.kit.redact import redact, tidy


class ProcessError(Exception):
    """A program could not be run to its end. The text names the program, never its input."""


class ProgramMissingError(ProcessError):
    """There is no such program."""


class TooLongError(ProcessError):
    """The program ran longer than allowed and was killed."""


class TooMuchOutputError(ProcessError):
    """The program printed more than allowed and was killed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use.

    Attributes:
        timeout_s: Wall-clock seconds.
        output_bytes: Of stdout and of stderr, each.
        cpu_s: CPU seconds of each process, or None.
        memory_bytes: Address space of each process, or None. Go programs reserve much more than
            they use: give them 4 GB or nothing.
    """

    timeout_s: float = 90.0
    output_bytes: int = 64 * 1024 * 1024
    cpu_s: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. `code` is negative when a signal ended it."""

    program: str
    code: int
    stdout: bytes
    stderr: bytes

    def complaint(self, secrets: tuple[str, ...] = ()) -> str:
        """Return what it printed on stderr, fit for a message: redacted, cut to 20 + 20 lines."""
        return tidy(self.stderr.decode("utf-8", "replace"), secrets)


DEFAULT_LIMITS = Limits()


async def run(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    limits: Limits = DEFAULT_LIMITS,
) -> Completed:
    """Run a program to its end, whatever its exit status.

    Args:
        argv: The program and its words; operands that come from outside stand behind `--`.
        cwd: Folder to run in.
        env: The whole environment; None gives `PATH` and `LANG` alone.
        stdin: What the program reads.
        limits: Time, output, CPU, memory.

    Raises:
        ProgramMissingError: The program does not exist or cannot be executed.
        TooLongError: It did not end in time.
        TooMuchOutputError: It printed more than allowed.
    """
    program = os.path.basename(argv[0])
    process = await start(argv, cwd=cwd, env=env, limits=limits)
    try:
        async with asyncio.timeout(limits.timeout_s):
            async with asyncio.TaskGroup() as group:
                out = group.create_task(_read(process.stdout, limits.output_bytes, program))
                err = group.create_task(_read(process.stderr, limits.output_bytes, program))
                group.create_task(_feed(process.stdin, stdin))
            code = await process.wait()
    except TimeoutError:
        raise TooLongError(
            f"`{program}` did not end within {limits.timeout_s:g} s and was stopped"
        ) from None
    except ExceptionGroup as group_error:
        raise group_error.exceptions[0] from None
    finally:
        await end(process)
    return Completed(program, code, out.result(), err.result())


async def start(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    keep_stderr: bool = True,
    pass_fds: Sequence[int] = (),
) -> asyncio.subprocess.Process:
    """Start a program in a session of its own with pipes; the caller must `end` it.

    Args:
        argv: The program and its words.
        cwd: Folder to run in.
        env: The whole environment; None gives `PATH` and `LANG` alone.
        limits: CPU and memory are set here; time and output are the caller's.
        keep_stderr: Read it through a pipe; False sends it to our own stderr.
        pass_fds: Open files that the program inherits under the same numbers.

    Raises:
        ProgramMissingError: The program does not exist or cannot be executed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(clean_environment() if env is None else env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if keep_stderr else None,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise ProgramMissingError(f"`{argv[0]}` cannot be run: {error.strerror}") from error
    _limit(process.pid, limits)
    return process


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the program's process group and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # asyncio reports the end only when the pipes are closed, and a full pipe that nobody reads, or
    # a grandchild that holds one open, keeps them open for ever. Not `transport.close()` before
    # the end: it reaps the child behind the back of asyncio's watcher, which then complains.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        for number in (0, 1, 2):
            pipe = transport.get_pipe_transport(number)
            if pipe is not None:
                pipe.close()
    waiting = asyncio.ensure_future(process.wait())
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        # A cancelled caller still waits: a killed process is gone within milliseconds.
        await asyncio.wait([waiting], timeout=5)
        raise
    finally:
        if transport is not None:
            transport.close()


def clean_environment(**extra: str) -> dict[str, str]:
    """Return an environment with `PATH` and a UTF-8 locale, and what is given."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **extra}


def find_program(name: str, *folders: str) -> str | None:
    """Return the absolute path of a program on PATH or in one of the folders, or None."""
    found = shutil.which(name)
    for folder in folders:
        found = found or shutil.which(name, path=folder)
    return os.path.abspath(found) if found else None


async def find_network_cutter() -> tuple[str, ...]:
    """Return the words that start a program without a network, or nothing where we may not.

    Linux lets an unprivileged user do that in a user namespace, unless it is configured away.
    """
    if sys.platform != "linux":
        return ()
    unshare = await asyncio.to_thread(find_program, "unshare", "/usr/bin", "/bin")
    if unshare is None:
        return ()
    words = (unshare, "--user", "--map-current-user", "--net", "--")
    try:
        tried = await run([*words, "true"], limits=Limits(timeout_s=5))
    except ProcessError:
        return ()
    return words if tried.code == 0 else ()


def _limit(pid: int, limits: Limits) -> None:
    # `prlimit` after the start instead of a `preexec_fn`, which is not safe beside threads.
    if not hasattr(resource, "prlimit"):
        return  # not Linux: time and output limits remain
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if limits.cpu_s is not None:
            resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
        if limits.memory_bytes is not None:
            bound = (limits.memory_bytes, limits.memory_bytes)
            resource.prlimit(pid, resource.RLIMIT_AS, bound)
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


async def _read(stream: asyncio.StreamReader | None, limit: int, program: str) -> bytes:
    if stream is None:
        return b""
    parts: list[bytes] = []
    size = 0
    while part := await stream.read(65536):
        size += len(part)
        if size > limit:
            raise TooMuchOutputError(f"`{program}` printed more than {limit} bytes and was stopped")
        parts.append(part)
    return b"".join(parts)


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    if stream is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if data:
            stream.write(data)
            await stream.drain()
        stream.close()
        await stream.wait_closed()


def shown(argv: Sequence[str]) -> str:
    """Return a command line for a message, credentials redacted. Not for a shell."""
    return redact(" ".join(argv))
