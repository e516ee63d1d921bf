"""What a request asks for, read natively: head, body, prompts, faults."""
