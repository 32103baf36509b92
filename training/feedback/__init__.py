"""What reviewers of a deployed gateway say, as training data: rubrics, comparisons, labels, and how far they agree."""
