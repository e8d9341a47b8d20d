"""What `kit.process` and `kit.worker` promise, shown with real programs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast.kit import process
from holdfast.kit.worker import Worker, WorkerError, WorkerPool, WorkerRefusal, WorkerTooLongError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_a_program_gets_its_words_input_and_a_clean_environment(tmp_path: Path) -> None:
    code = "import os,sys; print(sorted(os.environ), sys.argv[1:], sys.stdin.read(), os.getcwd())"
    done = await process.run([*python(code), "$HOME", "-x"], cwd=tmp_path, stdin=b"hello")
    assert done.code == 0
    shown = done.stdout.decode()
    assert "'$HOME', '-x'] hello" in shown
    assert str(tmp_path) in shown
    assert "HOME'" not in shown.partition("]")[0]


async def test_a_failing_program_is_a_value_and_its_complaint_is_redacted() -> None:
    done = await process.run(python("import sys; sys.exit('at https://u:p@h/x')"))
    assert done.code == 1
    assert done.complaint() == "at https://***@h/x"


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(process.ProgramMissingError, match="no-such-program"):
        await process.run(["no-such-program"])


async def test_a_program_that_runs_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    # Both hold the writing end of a pipe: its end is the end of both.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes))
    code = (
        f"import subprocess,time; end=open({str(pipe)!r},'wb',0); end.write(b'up');"
        "subprocess.Popen(['sleep','30'],stdout=end); time.sleep(30)"
    )
    with pytest.raises(process.TooLongError, match=r"did not end within 1.5 s"):
        await process.run(python(code), limits=process.Limits(timeout_s=1.5))
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # a reader that nobody met may end, too
    async with asyncio.timeout(10):
        assert await reading == b"up"


async def test_a_program_that_prints_too_much_is_killed() -> None:
    with pytest.raises(process.TooMuchOutputError, match="more than 1000 bytes"):
        await process.run(
            python("print('x' * 100000, flush=True); import time; time.sleep(300)"),
            limits=process.Limits(output_bytes=1000),
        )


async def test_a_program_without_a_network_cannot_connect() -> None:
    words = await process.find_network_cutter()
    if not words:
        return
    code = "import socket; socket.create_connection(('127.0.0.1', 1), 1)"
    done = await process.run([*words, *python(code)])
    assert done.code == 1
    assert b"unreachable" in done.stderr


WORKER = """
import os, sys, time
from holdfast.kit.worker_loop import serve
def handle(request):
    word = request.decode()
    if word == "die": os._exit(3)
    if word == "hang": time.sleep(300)
    if word == "fail": raise LookupError("nothing there")
    if word == "noise": print("noise on stdout")
    if word == "big": return b"x" * 2_000_000
    return f"{os.getpid()} {word}".encode()
serve(handle, lambda error: {"type": type(error).__name__, "message": str(error)})
"""


@pytest.fixture
async def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    (tmp_path / "echo_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    worker = Worker("echo_worker", timeout_s=10, answer_bytes=1_000_000)
    yield worker
    await worker.stop()


async def test_a_worker_process_stays_warm_between_requests(worker: Worker) -> None:
    await worker.warm()
    pid = worker.pid
    assert await worker.ask(b"one") == f"{pid} one".encode()
    assert await worker.ask(b"noise") == f"{pid} noise".encode()


async def test_an_error_of_the_work_is_an_answer_and_the_worker_lives_on(worker: Worker) -> None:
    await worker.warm()
    pid = worker.pid
    with pytest.raises(WorkerRefusal) as caught:
        await worker.ask(b"fail")
    assert caught.value.details == {"type": "LookupError", "message": "nothing there"}
    assert await worker.ask(b"two") == f"{pid} two".encode()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        pytest.param(b"hang", WorkerTooLongError, id="one that hangs"),
        pytest.param(b"big", WorkerTooLongError, id="one that says too much"),
        pytest.param(b"die", WorkerError, id="one that dies"),
    ],
)
async def test_a_broken_worker_is_killed_and_replaced(
    worker: Worker, request_: bytes, error: type[Exception]
) -> None:
    await worker.warm()
    pid = worker.pid
    with pytest.raises(error):
        await worker.ask(request_, timeout_s=1)
    answer = await worker.ask(b"again")
    assert answer.endswith(b" again")
    assert worker.pid != pid


async def test_a_cancelled_request_leaves_no_half_answer_behind(worker: Worker) -> None:
    await worker.warm()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await worker.ask(b"hang")
    assert (await worker.ask(b"next")).endswith(b" next")


async def test_a_pool_answers_two_requests_at_once(tmp_path: Path, worker: Worker) -> None:
    pool = WorkerPool([worker, Worker("echo_worker")])
    await pool.warm()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pool.ask(str(n).encode())) for n in range(6)]
    assert {task.result().split()[1] for task in tasks} == {str(n).encode() for n in range(6)}
    await pool.stop()
