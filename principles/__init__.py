"""Clinical principles: what a good answer does in which scenario, as data. Schema, corpus, import and listing."""
