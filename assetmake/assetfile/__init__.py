"""Find and load an Assetfile, and settle what it defines."""
