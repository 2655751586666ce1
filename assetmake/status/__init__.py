"""Which assets are stale, and why; pure."""
