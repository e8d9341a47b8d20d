"""The command line: words, flags, exit codes and layouts of `argocd`, straight to a cluster.

Purpose: turn what a person types into `Commands` and `Queries`, and answers into text.
Takes:   argv, the environment, a kubeconfig.
Gives:   data on stdout, everything else on stderr, an exit code (see `exit_codes`).
Inside:  `pflag` (parsing), `command` (click with pflag's forms), `root` (the tree of commands,
         loaded on use), `app/`, `proj`, `system`, `servers` (one module per command group),
         `spec_flags` + `spec_edit` (the one table of spec flags), `layouts` (golden layouts),
         `progress` (waiting), `session` (streams, environment, connection).
Invariants: `holdfast --help` imports neither asyncio nor any adapter (a test holds it under
         0.3 s); adapters are reached through `assembly` alone; nothing is told by colour only.
Facts:   docs/internals/argocd/api.md §4.
"""
