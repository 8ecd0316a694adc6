"""Results, plans and claims made readable: on a screen, in files, in notebooks, as drawings."""
