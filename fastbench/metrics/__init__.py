"""Pure functions: a recording's arrays → the numbers that a report shows. No clock, no file, no printing."""
