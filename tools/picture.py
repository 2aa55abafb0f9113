"""Draws terminal output as an SVG picture, for the README.

    make demo ARGS=--once | python3 tools/picture.py '$ make demo' > docs/demo.svg

Standard library only.
"""

import html
import sys

WIDTH, LINE, LEFT, TOP = 8.43, 19, 18, 44  # of a character and a line in pixels, at 14 px


def main():
    lines = [*sys.argv[1:], *(line.rstrip("\n") for line in sys.stdin)]
    while lines and not lines[-1]:
        lines.pop()
    width = int(LEFT * 2 + WIDTH * max(map(len, lines)))
    height = TOP + LINE * len(lines) + 12
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    print(f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">')
    print("<title>Output of make demo</title>")
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#16181d"/>')
    for number, color in enumerate(("#e0605a", "#e5b84d", "#62b768")):
        print(f'<circle cx="{LEFT + 6 + 20 * number}" cy="18" r="6" fill="{color}"/>')
    font = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14"'
    print(f'<g {font} fill="#d7dae0">')
    for number, line in enumerate(lines):
        if line:
            # No-break spaces: what keeps rows of ordinary ones together differs from browser to browser.
            text = html.escape(line, quote=False).replace(" ", "\N{NO-BREAK SPACE}")
            print(f'<text x="{LEFT}" y="{TOP + LINE * number + 6}">{text}</text>')
    print("</g>\n</svg>")


if __name__ == "__main__":
    main()
