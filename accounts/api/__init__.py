"""`/auth` and `/internal` over HTTP, and the base of every customer view."""
