"""What goes over the wire. Never the domain's own objects: the two may change apart."""
