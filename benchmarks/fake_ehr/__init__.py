"""An EHR in memory, behind HTTP, with the habits of the real servers.

Fast enough for benchmarks, contrary enough for tests.
"""

from benchmarks.fake_ehr.habits import HAPI, SEKMET, Habits
from benchmarks.fake_ehr.server import FakeEhr

__all__ = ["HAPI", "SEKMET", "FakeEhr", "Habits"]
