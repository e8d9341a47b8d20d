"""Folders on this machine: where state and caches of Holdfast are kept."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


def state_home(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_STATE_HOME/holdfast`, by default `~/.local/state/holdfast`."""
    return _home(environ, "XDG_STATE_HOME", ".local/state")


def cache_home(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_CACHE_HOME/holdfast`, by default `~/.cache/holdfast`."""
    return _home(environ, "XDG_CACHE_HOME", ".cache")


def sandbox_data(environ: Mapping[str, str] | None = None) -> Path:
    """Where `holdfast up` keeps its cluster."""
    return state_home(environ) / "sandbox"


def controller_data(server: str, namespace: str, environ: Mapping[str, str] | None = None) -> Path:
    """Where `holdfast run` keeps who it is and its copies of repositories, for one cluster."""
    digest = hashlib.sha256(f"{server} {namespace}".encode()).hexdigest()[:12]
    return state_home(environ) / "run" / digest


def _home(environ: Mapping[str, str] | None, variable: str, fallback: str) -> Path:
    env = os.environ if environ is None else environ
    named = env.get(variable, "")
    # The XDG rule: a relative path counts as not set.
    base = Path(named) if named.startswith("/") else Path(env.get("HOME") or "~").expanduser()
    return base / "holdfast" if named.startswith("/") else base / fallback / "holdfast"
