"""The two lanes: what happens when git changes, and what happens when the cluster changes.

Purpose:    from triggers to writes. The *sync lane* (refresh, operations, deletion) works on one
            Application at a time; the *heal lane* works on one object, straight from the watch
            event, with no queue, no git and no render in between (DESIGN §4.3).
Takes:      ports only (`domain.ports`), the pure rooms and `applying`.
Gives:      `controller.Controller`, and `requests` which carries out commands and queries.
Invariants: one lock per object for both lanes; the target of an object is replaced before a
            write is sent and restored if it fails; an event at or below the version of our last
            answer is dropped; the heal lane never deletes.
Gotchas:    our own write comes back as an event before its answer does in a third of the cases
            (docs/internals/argocd/apply.md A2).
"""
