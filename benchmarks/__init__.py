"""Performance of the SDK, measured against a stub on the same machine; see docs/performance.md.

To read it: `suite` is a run, by rounds. `cases`, `by_hand`, `batch`, `workers`, `web`, `alone` and `peers` are what
it measures, with `measure` and against the `stub`. `results`, `targets` and `charts` are what is made of it. The others
are commands of their own: `instructions`, `soak`, `submit`, `ledger`.
"""
