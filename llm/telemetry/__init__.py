"""A run as OpenTelemetry sees it: spans and metrics, sent where the user's own environment says."""
