"""HealthBench: scored by one question a criterion to a judge, and that judge checked against physicians."""
