"""A config file or command line, checked and frozen into the plan of a run."""
