"""The worker of notifications: `python -m holdfast.notices.worker`, spoken to by `kit.worker`.

Everything slow happens here: YAML, TLS, HTTP, apprise. A request is JSON:

    {"op": "read", "data": {key: text}}                   -> {"settings": …, "problems": […]}
    {"op": "send", "environment": {…}, "seconds": 12,
     "items": [{"target": …, "message": …, "timestamp": 0}]}  -> [{"ok": …, "detail": …} | null]

The messages of one request go out side by side. `null` is one that took too long; the caller ends
the process then, since a thread cannot be ended.
"""

import json
import os
import threading
from typing import Any

from holdfast.kit import worker_loop
from holdfast.kit.clock import SystemClock
from holdfast.notices.grammar import read_settings
from holdfast.notices.sending import Sent, send
from holdfast.notices.settings import Target

ENVIRONMENT = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
"""What the worker takes over of the environment: ways out and certificates."""


def handle(request: bytes) -> bytes:
    """Answer one request."""
    asked = json.loads(request)
    if asked["op"] == "read":
        settings, problems = read_settings(asked["data"])
        return json.dumps({"settings": settings.to_tree(), "problems": problems}).encode()
    os.environ.update({k: v for k, v in asked["environment"].items() if k in ENVIRONMENT})
    return json.dumps(_send_all(asked["items"], asked["seconds"])).encode()


def _send_all(items: list[dict[str, Any]], seconds: float) -> list[dict[str, Any] | None]:
    answers: list[dict[str, Any] | None] = [None] * len(items)

    def send_one(index: int, item: dict[str, Any]) -> None:
        target = Target.from_tree(item["target"])
        try:
            sent = send(target, item["message"], item["timestamp"])
        except Exception as error:  # noqa: BLE001 - a library's mistake; its text may hold an address
            sent = Sent(False, f"{type(error).__name__} while sending", may_retry=True)
        answers[index] = sent.to_tree()

    threads = [
        threading.Thread(target=send_one, args=(index, item), daemon=True)
        for index, item in enumerate(items)
    ]
    for thread in threads:
        thread.start()
    # Each has a time limit for every step of its own; this one is for all steps together.
    clock = SystemClock()
    end_s = clock.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end_s - clock.monotonic()))
    return list(answers)


def _refuse(error: Exception) -> dict[str, Any]:
    return {"type": type(error).__name__}


if __name__ == "__main__":
    worker_loop.serve(handle, _refuse)
