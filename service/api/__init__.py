"""The HTTP resources: one file per noun, its wire types beside it."""
