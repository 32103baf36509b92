"""Training the bundled model from nothing, on tree-packed rows of the miniclinic."""
