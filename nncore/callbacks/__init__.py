"""Callbacks: what may happen between two steps of a fit, one a file."""
