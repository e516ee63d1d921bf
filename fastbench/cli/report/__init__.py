"""The commands that read finished runs: `report`, `recalc`, `export`, `merge`."""
