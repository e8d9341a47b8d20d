"""Decide whether a drift may be healed now, and prepare what a heal needs.

Purpose:    `decide` (heal, wait, hold, and why), the memory of attempts, and the ownership moves
            that some heals need.
Takes:      a drift, the policy, the memory, the moment.
Gives:      exactly one verdict.
Invariants: pure; time comes in as an argument; a `Hold` says why in words for people.
"""
