"""Run a soak: `python -m tests.soak --seconds 1200 --seed 7`. Exit status 1 when it fails."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.soak.soak import SoakError, soak
from tests.support.plane import RealPlane
from tools import control_plane


def main() -> int:
    """Starts a control plane of its own, soaks, and says what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    programs = control_plane.find(os.environ)
    if programs is None:
        print("the control plane is not there: run `make control-plane` first", file=sys.stderr)
        return 1
    print(f"soak of {options.seconds:g} s with --seed {options.seed}", flush=True)
    plane = RealPlane.start(programs)
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-soak-") as folder:
            report = asyncio.run(
                soak(plane.kubeconfig, Path(folder), seconds=options.seconds, seed=options.seed)
            )
    except SoakError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        plane.stop()
    print(report.describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
