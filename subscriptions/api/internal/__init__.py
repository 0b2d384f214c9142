"""`/internal/users`: what sibling services do with the users they bring."""
