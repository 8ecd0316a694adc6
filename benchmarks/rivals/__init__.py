"""What others need for the questions of `benchmarks.mediation`, one question a script."""
