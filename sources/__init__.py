"""What the vendors say: HTTP and payloads in, rows of a change log out; nothing of warehouses."""

VENDORS: dict[str, str] = {
    "loke": "sources.loke",
    "collins": "sources.collins",
    "kounta": "sources.kounta",
    "foodics": "sources.foodics",
}
"""The one registry: a vendor's name → the package whose function of that name is its dlt source.

Names, not objects: the command line answers `--help` without loading any of them.
"""
