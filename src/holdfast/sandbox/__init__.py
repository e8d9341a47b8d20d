"""The embedded Kubernetes-compatible API server: for trying, previews and tests.

Purpose: `holdfast up` needs a cluster that starts in a second and needs nothing installed.
Takes:   HTTPS requests of any Kubernetes client, on loopback, with the one bearer token.
Gives:   `Sandbox` (start, stop, url, kubeconfig) and `SandboxSettings`; nothing else is public.

Not built, and said so with 501: admission webhooks and policies, aggregated API servers, tokens
         of ServiceAccounts, exec/attach/port-forward/proxy. CEL rules of CRDs are not evaluated; a
         warning says so. Containers do not run: pods play what kwok plays on the real plane.

Invariants: it proves nothing by itself: each behaviour is a contract test that also runs against a
real kube-apiserver. What is not built answers 501 and names itself. Algorithms and facts of types
live in `schema`. The cluster client and this room never know each other.

    http/         requests, answers, discovery, watches
    openapi/      documents made of the types in schema
    protobuf/     reading what kubectl sends when it makes an object itself
    tables/       what `kubectl get` shows
    verbs/        create, update, patch, delete
    admission/    what a write must fulfil, and what the server adds to it
    kinds/        what is served: built-in kinds, CRDs, versions
    store/        objects, history, watches, SQLite
    controllers/  stand-ins for the controllers of a cluster
"""

from holdfast.sandbox.server import Sandbox
from holdfast.sandbox.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings"]
