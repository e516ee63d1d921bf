"""Where prompts come from: seeded, lazy streams of samples."""
