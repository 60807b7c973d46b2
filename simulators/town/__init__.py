"""The county town: five networks on the same streets, solved by the field's own engines.

Installed with the extra `sim`; nothing of the platform needs it.
"""
