"""Runnable comparisons with what a site would use without us; `docs/performance.md` explains them.

    python -m benchmarks --size small|full

`pages` compares the public pages with a plain Wagtail form page (`plain`), `statements` counts
what recording and confirming ask of the database. `choosing` says how many of those answer who
are invited where not everybody is. Figures are ratios of one run, never rates.
"""
