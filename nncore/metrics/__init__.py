"""Metrics: scores of predictions, one a file."""
