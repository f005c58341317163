"""The straight line of one event, from the event log to the EHR."""

from shared.runtime.line.case import Case, Settled
from shared.runtime.line.line import Line
from shared.runtime.line.register import Register, at_ehr

__all__ = ["Case", "Line", "Register", "Settled", "at_ehr"]
