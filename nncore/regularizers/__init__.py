"""Regularizers, one a file: what a tensor adds to the loss, in NumPy (``l1.py``) beside the same lines compiled (``l1.c``)."""
