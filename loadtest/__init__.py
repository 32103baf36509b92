"""A black-box load client: it speaks HTTP to a gateway and imports nothing of it."""
