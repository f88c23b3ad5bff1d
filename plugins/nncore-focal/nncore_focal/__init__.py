"""Focal loss and label smoothing for nncore."""
