"""OpenTelemetry, imported only where ``otlp_endpoint`` is set: spans of requests, steps and calls for a collector."""
