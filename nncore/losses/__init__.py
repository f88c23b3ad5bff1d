"""Losses, one a file: the formula in NumPy (``mse.py``) beside the same lines compiled (``mse.c``)."""
