"""The Lion optimizer, a plugin of nncore."""
