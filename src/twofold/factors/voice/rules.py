"""How a code is said."""


def one_by_one(code: str) -> str:
    """Write digits so that a voice says each by itself, with a pause behind it."""
    return ", ".join(code)
