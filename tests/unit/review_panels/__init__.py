"""The parts of a result's page: what each builds, and that none of a result is hidden."""
