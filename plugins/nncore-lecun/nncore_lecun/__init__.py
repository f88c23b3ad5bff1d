"""LeCun's and Martens' initializers, a plugin of nncore."""
