"""What the launcher says when it can't go on."""


class CannotStart(Exception):
    """One sentence that says what is wrong and what to do; shown without a traceback."""
