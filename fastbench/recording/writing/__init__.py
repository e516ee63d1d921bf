"""The writers: of one part while load goes on, and of one recording out of shares."""
