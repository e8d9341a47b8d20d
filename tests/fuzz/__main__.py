"""Fuzz the API: `python -m tests.fuzz --seconds 120 --seed 7`. Exit status 1 when it finds any."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.fuzz import FuzzError, example, fuzz


def main() -> int:
    """Starts an example of its own, and says what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"fuzzing for {options.seconds} s with --seed {options.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-fuzz-") as folder,
        example(Path(folder)) as (base, token, process),
    ):
        try:
            report = fuzz(Path(folder), base, token, seconds=options.seconds, seed=options.seed,
                          phases="coverage,fuzzing,stateful")  # fmt: skip
        except FuzzError as error:
            print(error, file=sys.stderr)
            return 1
        if process.has_said("request failed"):
            print(process.text, file=sys.stderr)
            return 1
    print(f"{report.cases} requests, and every answer as documented")
    return 0


if __name__ == "__main__":
    sys.exit(main())
