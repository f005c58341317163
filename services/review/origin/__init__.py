"""Where a result comes from, in terms of the record: for technicians."""
