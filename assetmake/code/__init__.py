"""Fingerprints of code: what of the project an asset refers to, and how it changes.

`closure.Code` reads the project's sources and gives each asset a `Closure`;
`explain.explain_change` compares the parts of two; `parts` holds the records.
Importing and watching code are for `imports` and `audit`. Nothing is imported
here, because most commands need the records alone.
"""
