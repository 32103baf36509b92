"""One command that trains with every method in the miniclinic, evaluates what came out, and writes one report."""
