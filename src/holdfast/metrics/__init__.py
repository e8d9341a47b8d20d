"""Prometheus: the names that dashboards know from Argo CD, and a few of our own.

Purpose:    count what the stages tell, and give the text format.
Takes:      calls of the port `Metrics`.
Gives:      `registry.PrometheusMetrics`.
Invariants: every metric is a row of `catalogue.CATALOGUE`; docs/reference/metrics.md lists the
            same rows (a test); a series never carries a Secret or a message.
Facts:      docs/internals/argocd/controller.md §11.2.
"""
