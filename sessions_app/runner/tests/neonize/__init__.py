"""Real neonize hosts under the real runner, against the mock WhatsApp: the whole product."""
