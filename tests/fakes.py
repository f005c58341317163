"""Hand-written fakes at the outermost seam.

They pass the same contract tests as the real thing (`tests/contract`).
"""

from benchmarks.fake_ehr import HAPI, SEKMET, FakeEhr, Habits

__all__ = ["HAPI", "SEKMET", "FakeEhr", "Habits"]
