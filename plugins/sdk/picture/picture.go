// Package picture draws what adapters know as SVG: sharp at every size, small, with nothing but text.
package picture

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Picture is one drawing; its coordinates are pixels from the upper left.
type Picture struct {
	width, height int
	body          strings.Builder
}

// Sizes of text, in pixels.
const (
	TitleSize = 16
	LabelSize = 12
)

// Anchor says which end of a text its position is.
type Anchor string

// The anchors.
const (
	AtStart  Anchor = "start"
	AtMiddle Anchor = "middle"
	AtEnd    Anchor = "end"
)

// Colours of text: what is read first, and what explains it.
const (
	Ink   = "#222222"
	Faint = "#555555"
)

// New begins a picture on white, with its title above.
func New(width, height int, title string) *Picture {
	p := &Picture{width: width, height: height}
	p.Rect(0, 0, width, height, "#ffffff", title)
	p.Text(width/2, 26, TitleSize, AtMiddle, Ink, title)
	return p
}

// Rect draws a filled rectangle; tip is what a viewer shows over it.
func (p *Picture) Rect(x, y, w, h int, fill, tip string) {
	fmt.Fprintf(&p.body, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s</title></rect>\n",
		x, y, w, h, fill, escape(tip))
}

// Text draws text that reads from left to right, x and y at the anchor on its base line.
func (p *Picture) Text(x, y, size int, at Anchor, fill, content string) {
	fmt.Fprintf(&p.body, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
		x, y, size, at, fill, escape(content))
}

// Upright draws text that reads from bottom to top.
func (p *Picture) Upright(x, y, size int, at Anchor, fill, content string) {
	fmt.Fprintf(&p.body, "<text transform=\"translate(%d %d) rotate(-90)\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
		x, y, size, at, fill, escape(content))
}

// Bytes is the file.
func (p *Picture) Bytes() []byte {
	return fmt.Appendf(nil, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "+
		"font-family=\"system-ui, sans-serif\">\n%s</svg>\n", p.width, p.height, p.width, p.height, p.body.String())
}

// escape makes text safe inside an element; what XML cannot hold at all becomes U+FFFD.
func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // a strings.Builder takes everything
	}
	return b.String()
}

// Shorten cuts a label to n characters.
func Shorten(s string, n int) string {
	characters := []rune(s)
	if len(characters) <= n {
		return s
	}
	return string(characters[:n-1]) + "…"
}

// Shade is a blue between white (0) and dark (1), and the colour in which text on it is readable.
func Shade(share float64) (fill, ink string) {
	share = min(max(share, 0), 1)
	channel := func(from, to int) int { return from + int(share*float64(to-from)) }
	fill = fmt.Sprintf("#%02x%02x%02x", channel(0xf7, 0x08), channel(0xfb, 0x30), channel(0xff, 0x6b))
	if share > 0.5 {
		return fill, "#ffffff"
	}
	return fill, Ink
}
