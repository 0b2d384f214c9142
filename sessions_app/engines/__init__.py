"""Ways to reach WhatsApp. Nothing but `registry` names them; nothing in here knows Django."""
