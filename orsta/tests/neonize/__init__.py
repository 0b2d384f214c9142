"""Real neonize clients behind the console."""
