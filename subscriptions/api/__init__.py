"""What a tenant's programs and people may know of its plan."""
