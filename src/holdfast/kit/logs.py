"""Log lines: `key=value` for people, JSON for machines. One event, then its fields.

`note(log, logging.INFO, "round finished", app="shop", seconds=0.84)` gives
`2026-01-01T10:00:00.000Z info  round finished app=shop seconds=0.84`.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from holdfast.kit.redact import redact

_FIELDS = "holdfast_fields"


def note(log: logging.Logger, level: int, event: str, /, **fields: object) -> None:
    """Write one event with fields.

    Args:
        log: The module's logger.
        level: `logging.INFO` and so on.
        event: What happened, in a few words, without values.
        fields: The values.
    """
    if log.isEnabledFor(level):
        log.log(level, "%s", event, extra={_FIELDS: fields})


class TextFormatter(logging.Formatter):
    """`time level event key=value …`, credentials redacted."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line (and the traceback below it)."""
        parts = [_time(record), record.levelname.lower().ljust(7), record.getMessage()]
        parts += [f"{key}={_word(value)}" for key, value in _fields(record).items()]
        text = " ".join(parts)
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return redact(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for key, value in _fields(record).items():
            line[key] = redact(value) if isinstance(value, str) else value
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(
    *, level: int = logging.INFO, as_json: bool = False, stream: TextIO | None = None
) -> None:
    """Send the log of the whole process to a stream (stderr), replacing what was set up before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What it says of its start and end, we say in our own words.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def in_force() -> tuple[int, bool]:
    """Return the level and whether lines are JSON, for a child that logs to the same stream."""
    root = logging.getLogger()
    is_json = any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers)
    return root.getEffectiveLevel(), is_json


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, _FIELDS, None)
    return fields if isinstance(fields, dict) else {}


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    if text and not any(c.isspace() or c in '"=' for c in text):
        return text
    return json.dumps(text, ensure_ascii=False)
