"""Schedules: how the learning rate moves during a fit, one a file."""
