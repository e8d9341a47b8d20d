"""Compare what should be with what is, without noise.

Purpose:    decide whether a live object is what was applied, field by field.
Takes:      manifests (sealed), the field set and echo of an earlier apply, ignore rules.
Gives:      a `Comparison`: the differences, whether our ownership is whole, whether a declared
            list element was renamed.
Invariants: pure; what another manager added is never a difference; what compares equal is never
            applied. docs/internals/argocd/apply.md A5 holds the measured special cases.
Gotchas:    an echo belongs to one uid and one manifest hash; after a re-creation it is learned
            anew, because allocated values (nodePort, clusterIP) differ.
"""
