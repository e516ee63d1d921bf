"""Who does the work: worker processes on this host, or machines."""
