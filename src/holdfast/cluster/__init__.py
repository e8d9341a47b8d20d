"""The Kubernetes client: the only room that writes to a cluster.

Takes:  a kubeconfig or the pod's own credentials; `Manifest`s with a permit for each write.
Gives:  the ports `Kinds`, `ClusterReader`, `ClusterWriter`, `SystemWriter`, `Sealing` and
        `Watching` of `holdfast.domain.ports`, the lease, Kubernetes Events and pod logs. Start at
        `holdfast.cluster.connection.connect`.

Invariants:
* Values of Secrets and last-applied annotations leave this room only as tokens (`sealing`);
  an error text never quotes one.
* Every failure is a `ClusterError` whose code and retry class come from one table (`errors`).
* Every await on the network has a time limit.
* A watch never loses an event: it resumes from the last version it saw, and lists again when the
  server has forgotten that version (`watch`).

Gotchas:
* Watch bodies are split by ourselves (`lines`): aiohttp's reader fails above 512 KB a line.
* Watches have a connection pool of their own, so that they never starve a heal.
* PATCH is not repeated by aiohttp when the server closed an idle connection at that moment;
  `transport` does it, for requests that are marked as repeatable.
* Only `transport` names aiohttp.
"""
