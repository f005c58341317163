"""What runs a service: the loop, the straight line of one event, lanes, dead letters."""
