"""averting."""
