"""Optimizers, one a file: the update in NumPy (``adam.py``) beside the same lines compiled (``adam.c``)."""
