"""How well plain rules find what was labelled in recorded data: `lifeline bench detection`."""
