"""Samplers: which samples an epoch visits, and in which order, one a file."""
