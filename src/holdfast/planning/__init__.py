"""What may be written, in which order, and whether to begin at all.

Purpose:    project limits and the permission for each write; targets from rendered manifests;
            tracking; tasks, phases, waves, prune order; the decisions of automatic sync, retry,
            refresh, cascade and history.
Takes:      domain values and, where a fact of the cluster is needed, a plain callable
            (`find_kind`) or the present moment as an argument.
Gives:      values (`Plan`, `Authorized | Refused`, `Decision`, conditions), never an effect.
Invariants: only `authorize.py` builds `Authorized` (a test greps for other places); waves never go
            back; prunes run in reverse; CRDs are never tracked, pruned or cascaded.
Gotchas:    the operation's own sync options count during a sync, not the spec's
            (controller.md appendix B 1).
"""
