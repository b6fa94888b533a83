"""Charts as inline SVG, drawn on the server.

x is in per cent of the width, y in pixels, so that text keeps its size at every width. Colours are classes of the
style sheet.
"""
