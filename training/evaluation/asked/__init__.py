"""Who is asked in an evaluation: the gateway, plain models behind any OpenAI-compatible URL, the miniclinic itself."""
