"""One look at a project: what is defined and stored, loaded as little as is certain."""
