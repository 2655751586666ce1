"""Statuses, plans and results as text; nothing here prints, looks or decides."""
