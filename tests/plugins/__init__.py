"""pytest plugins of the suite."""
