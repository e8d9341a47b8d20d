"""Turns a folder of a checkout into manifests.

Purpose:    directory and kustomize, in processes of their own that can be killed (apply.md C1).
Takes:      a `Checkout`, a `Source`, a `RenderContext`.
Gives:      `Rendered`: manifests in the order of the files, and where each came from.
Invariants: no YAML is parsed in our own process; the checkout is never written;
            no error quotes what a file contains; nothing outside the checkout is read.
Gotchas:    helm, plugin, jsonnet and OCI sources answer HF3008: they are not built yet.
"""
