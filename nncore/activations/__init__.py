"""Activations, one a file: the formula in NumPy (``relu.py``) beside the same lines compiled (``relu.c``)."""
