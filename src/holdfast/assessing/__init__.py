"""How well is an object, and an Application as a whole?

Purpose:    Argo CD's health rules as decision tables, one small module for each family of kinds,
            and the aggregation for an Application.
Takes:      live manifests; `managedFields` are not looked at and may have been cut away.
Gives:      `Health`, or None for an object that has no health.
Invariants: pure and total: no manifest raises; the first matching row of a table wins.
Gotchas:    None is not Healthy: it is skipped in aggregation and counts as success in a sync.
            Scripts of users (Lua) are evaluated elsewhere; their results arrive as values.
"""
