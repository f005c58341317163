"""How a note speaks of what it names: polarity, person, time, status."""
