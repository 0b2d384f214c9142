"""What may be done to people, tenants and credentials."""
