"""The gateway: an OpenAI-compatible service that drafts, judges and revises before it answers."""
