"""Settings of the sandbox."""

from dataclasses import dataclass, field
from pathlib import Path

from holdfast.domain.ports import Clock
from holdfast.kit.clock import SystemClock


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How the embedded cluster runs."""

    data: Path | None = None
    """Folder that keeps objects and certificates. None keeps nothing: the cluster is gone with the
    process."""

    port: int = 0
    """TCP port on 127.0.0.1; 0 takes a free one."""

    kubeconfig: Path | None = None
    """Where the kubeconfig is written (mode 0600). None: `kubeconfig` in the data folder, or in a
    temporary one."""

    controllers: bool = True
    """Whether the stand-ins run (Deployment -> ReplicaSet -> Pod, garbage collection …). Off for
    tests of the bare API server."""

    clock: Clock = field(default_factory=SystemClock)
    """Time; tests may move it."""
