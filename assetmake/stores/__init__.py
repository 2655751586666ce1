"""Where assets are kept: one protocol, one module a kind of store."""
