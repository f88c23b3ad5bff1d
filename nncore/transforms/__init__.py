"""Transforms: what happens to a batch in training before the first layer sees it, one a file."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
