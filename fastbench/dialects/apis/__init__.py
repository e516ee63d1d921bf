"""fastbench's own dialects: a file for each API, and what several of them share."""
