"""Constraints, one a file: what a tensor is made to be after every step, in NumPy (``max_norm.py``) and compiled (``max_norm.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
