"""The benchmarks: what they measure, and what they say of it."""
