"""Requests, read natively: head, body, prompts, faults."""
