"""Fixtures of the tests of merged plans: those of the plans of one record."""

from tests.integration.test_treatment_plan import chart, ehr

__all__ = ["chart", "ehr"]
