"""The commands of `lifeline`: each module wires stages to settings and a terminal, and decides nothing else."""
