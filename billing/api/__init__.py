"""`/billing`: the REST surface for people who pay."""
