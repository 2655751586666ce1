"""What saves work and can be deleted, and what tells whether it can be believed."""
