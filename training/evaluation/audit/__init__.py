"""The audit of a judge against experts: agreement, calibration, biases, and the threshold of its verdicts."""
