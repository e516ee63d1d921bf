def parse_fault(text: str) -> tuple[int, int]:
    """(kind, argument) of a fault such as "cut=3". Raises ValueError for anything else."""
