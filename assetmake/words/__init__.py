"""What the words of an Assetfile take, and where they are used."""
