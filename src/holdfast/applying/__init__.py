"""Carry writes out, through ports.

Purpose:    one way to write a declared object for both lanes: follow earlier appliers once,
            apply, and take fields over where an apply alone cannot undo an edit.
Takes:      `ClusterReader` and `ClusterWriter` ports, a permit, the manifest.
Gives:      the server's answer, from which the echo is learned.
Invariants: never writes without a permit; a change of an existing object carries its uid, so
            that losing a race with a deletion never creates (apply.md A3).
"""
