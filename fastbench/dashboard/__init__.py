"""The live view: what a run tells of itself while it goes on, on a screen or line by line."""
