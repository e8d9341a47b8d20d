"""Errors on their way out of the render worker: raised there, sent as JSON, raised again here."""

from typing import Any

from holdfast.domain.errors import (
    ConfigurationError,
    HoldfastError,
    InternalError,
    RepositoryError,
    Retry,
    ToolError,
)

_CLASSES: dict[str, type[HoldfastError]] = {
    "HF1": RepositoryError,
    "HF3": ConfigurationError,
    "HF4": ToolError,
    "HF9": InternalError,
}


def wrong(code: str, message: str, *, hint: str = "") -> HoldfastError:
    """Return an error of the class that its code belongs to.

    What git or the settings hold does not change by trying again: no retry but by a new commit.
    """
    retry = Retry.BACKOFF if code.startswith("HF4") else Retry.NEVER
    return _CLASSES[code[:3]](code, message, hint=hint, retry=retry)


def not_built(what: str, hint: str = "") -> HoldfastError:
    """Return the error for something that a later version will do."""
    told = hint or "nothing of the Application is touched"
    return wrong("HF3008", f"{what} not built yet", hint=told)


def to_details(error: Exception) -> dict[str, Any]:
    """Return an error as JSON; one that is not ours is a mistake of ours, told without its text."""
    if isinstance(error, HoldfastError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    if isinstance(error, MemoryError | RecursionError):
        return {"code": "HF1007", "message": "rendering needs more memory than allowed", "hint": ""}
    where = _place(error)
    return {"code": "HF9001", "message": f"rendering failed: {type(error).__name__} {where}"}


def from_details(details: dict[str, Any]) -> HoldfastError:
    """Return the error that `to_details` described."""
    return wrong(
        str(details.get("code", "HF9001")),
        str(details.get("message", "rendering failed")),
        hint=str(details.get("hint", "")),
    )


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"in {trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno}"
