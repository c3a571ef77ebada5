"""How fast the SDK is, and beside what: `python -m benchmarks [soak]`. See docs/performance.md."""
