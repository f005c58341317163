"""The index of review's worklist against EHRs that change, break and go back in time."""
