"""Asyncio and text tools that know no Kubernetes.

Purpose:    what every room that touches the outside world needs: time, tasks, queues, processes,
            YAML, redaction, contained paths, log lines.
Takes:      the standard library and PyYAML.
Gives:      small classes and functions; errors of their own, which adapters translate.
Invariants: imports no other room; nothing here knows Kubernetes or git;
            no shell, every wait has a limit, every output a size.
Gotchas:    `yamlio` is CPU-bound: the healing process never calls it (apply.md C1).
"""
