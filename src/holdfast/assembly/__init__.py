"""The one room that names concrete adapters and starts everything.

Purpose:    give the command line a way to a cluster, and run the servers.
Gives:      `direct` (commands and queries over a kubeconfig), `run` (the controller), `up`
            (sandbox and controller in one process), `sandbox`, `demo`, `install`, `listeners`.
Invariants: nobody but `cli`, `__main__` and tests imports this room; only this room imports
            `sandbox`.
"""
