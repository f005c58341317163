"""The worklist under measurement: full of open results, and looked at."""
