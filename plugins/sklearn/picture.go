package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// picture is an SVG: sharp at every size, small, and drawn with nothing but text.
type picture struct {
	width, height int
	body          strings.Builder
}

// Sizes of text, in pixels.
const (
	titleSize = 16
	labelSize = 12
)

// anchor says which end of a text its position is.
type anchor string

const (
	atStart  anchor = "start"
	atMiddle anchor = "middle"
	atEnd    anchor = "end"
)

func newPicture(width, height int, title string) *picture {
	p := &picture{width: width, height: height}
	p.rect(0, 0, width, height, "#ffffff", title)
	p.text(width/2, 26, titleSize, atMiddle, "#222222", title)
	return p
}

// rect draws a filled rectangle; tip is what a viewer shows over it.
func (p *picture) rect(x, y, w, h int, fill, tip string) {
	fmt.Fprintf(&p.body, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s</title></rect>\n",
		x, y, w, h, fill, escape(tip))
}

func (p *picture) text(x, y, size int, at anchor, fill, content string) {
	fmt.Fprintf(&p.body, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
		x, y, size, at, fill, escape(content))
}

// upright draws text that reads from bottom to top.
func (p *picture) upright(x, y, size int, at anchor, fill, content string) {
	fmt.Fprintf(&p.body, "<text transform=\"translate(%d %d) rotate(-90)\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
		x, y, size, at, fill, escape(content))
}

func (p *picture) bytes() []byte {
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

// shorten cuts a label to n characters.
func shorten(s string, n int) string {
	characters := []rune(s)
	if len(characters) <= n {
		return s
	}
	return string(characters[:n-1]) + "…"
}

// shade is a blue between white (0) and dark (1), and the colour in which text on it is readable.
func shade(share float64) (fill, ink string) {
	share = min(max(share, 0), 1)
	channel := func(from, to int) int { return from + int(share*float64(to-from)) }
	fill = fmt.Sprintf("#%02x%02x%02x", channel(0xf7, 0x08), channel(0xfb, 0x30), channel(0xff, 0x6b))
	if share > 0.5 {
		return fill, "#ffffff"
	}
	return fill, "#222222"
}
