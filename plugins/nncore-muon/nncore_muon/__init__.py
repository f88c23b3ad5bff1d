"""Muon for nncore."""
