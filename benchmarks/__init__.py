"""Benchmarks of careloop, and the EHR that they and the tests run against."""
