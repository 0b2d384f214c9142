"""The admin as staff see it."""
