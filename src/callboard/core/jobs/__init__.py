"""Long work as jobs with progress, log, cancel and retry."""
