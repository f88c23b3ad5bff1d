"""Transforms: augmentation of training batches, one a file."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
