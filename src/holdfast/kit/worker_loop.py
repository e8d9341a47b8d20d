"""The worker's side of `kit.worker`: what the warm process runs, and the frames that both speak.

    request:  4 bytes length, body
    answer:   1 byte `R` (result) or `E` (error, JSON), 4 bytes length, body

It imports no asyncio, of which a worker needs nothing: half of what its start would take.
"""

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
"""Of a request; its body follows."""
ANSWER = struct.Struct(">cI")
"""What an answer is, and its length; its body follows."""
RESULT, ERROR = b"R", b"E"


def serve(handle: Callable[[bytes], bytes], refuse: Callable[[Exception], dict[str, Any]]) -> None:
    """Answer requests on stdin until it ends. Runs in the worker process.

    Args:
        handle: Turns a request into an answer.
        refuse: Turns any exception of `handle` into the details of an error.
    """
    source: BinaryIO = sys.stdin.buffer
    sink: BinaryIO = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever prints by mistake goes to stderr and cannot break the protocol.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        request = source.read(LENGTH.unpack(head)[0])
        try:
            kind, body = RESULT, handle(request) if request else b""
        except Exception as error:  # noqa: BLE001 - the border of the process: sent as a value
            kind, body = ERROR, json.dumps(refuse(error)).encode()
        sink.write(ANSWER.pack(kind, len(body)) + body)
        sink.flush()
