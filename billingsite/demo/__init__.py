"""The demo company: Calder & Voss, a shipping company with three offices.

Everything here is composed for the demo and written down as files: a set-up file,
people, tariff files, and call files as a Cisco cluster writes them. Nothing reaches
the tables but through the commands and the drop folders that every customer uses.
"""
