"""A whole service to copy: it reads one Observation and writes a report (`careloop new`)."""
