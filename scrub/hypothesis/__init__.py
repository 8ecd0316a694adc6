"""Hypotheses: the claim, its conventions, its rules, and the tree that it unfolds to."""
