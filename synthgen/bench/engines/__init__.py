"""The engines of the bench, one module each, imported only in the process that draws with them."""
