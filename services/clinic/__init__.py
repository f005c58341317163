"""The small clinic on one machine: demo, embedded EHR, child processes, ports."""
