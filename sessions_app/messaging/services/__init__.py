"""What makes and moves messages."""
