"""Transforms: what happens to a batch in training before the first layer sees it, one a file."""
