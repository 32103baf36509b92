"""From a finished run to a served checkpoint: merging, writing, quantising, registering, and the gate before it."""
