"""One control plane for each part of the benchmark, so that no part pays for the one before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def real_plane() -> Iterator[Path]:
    """Start the control plane of the tests; it has been built by `make control-plane`."""
    from tests.support.plane import RealPlane
    from tools import control_plane

    programs = control_plane.find(os.environ)
    if programs is None:
        raise SystemExit("the control plane is not there: run `make control-plane` first")
    plane = RealPlane.start(programs)
    try:
        yield plane.kubeconfig
    finally:
        plane.stop()
