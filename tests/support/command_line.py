"""Run the command line in this process, against fakes, and read what a person would see."""

from __future__ import annotations

import io
import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.cli.root import run
from holdfast.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fakes import FakeLink


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def transcript(self) -> str:
        """Everything, as golden files keep it."""
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def holdfast(
    link: FakeLink, *argv: str, stdin: str = "", environ: dict[str, str] | None = None
) -> Result:
    """Run one command line."""
    out, err = io.StringIO(), io.StringIO()
    session = Session(
        out=out,
        err=err,
        stdin=io.StringIO(stdin),
        environ=environ if environ is not None else {"PATH": os.environ.get("PATH", "")},
        connect=link.connect,
        open_journal=lambda _target, _dsn: nullcontext(link.journal),
        now=link.clock.now,
    )
    code = run(list(argv), session)
    return Result(code, out.getvalue(), err.getvalue())


def check_golden(path: Path, text: str) -> None:
    """Compare with a golden file; `HOLDFAST_GOLDEN=write` writes it for a person to review."""
    if os.environ.get("HOLDFAST_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"differs from {path}"
