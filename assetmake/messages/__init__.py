"""The user's own lines in messages: excerpts, tracebacks, widths."""
