"""Losses and a metric for survival analysis, a plugin of nncore."""
