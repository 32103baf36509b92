"""The MLB benchmark: 22 Chinese medical datasets in five dimensions."""
