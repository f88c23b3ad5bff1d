"""Layers, one a file: forward beside backward in NumPy (``dense.py``), and the same compiled (``dense.c``)."""
