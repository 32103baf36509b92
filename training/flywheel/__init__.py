"""The whole wheel in the miniclinic: revisions, feedback on them, judge and policy trained on it, and the lift."""
