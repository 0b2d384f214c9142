"""The foundation: imports no app."""
