"""Constraints (projections of tensors after every step), one a file: in NumPy (``max_norm.py``) and in C (``max_norm.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
