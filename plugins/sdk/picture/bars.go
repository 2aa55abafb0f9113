package picture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// maxBars bounds the bars that are drawn: those of the largest magnitude.
const maxBars = 30

// Bar is one bar of a chart.
type Bar struct {
	Label string
	Value float64
}

// Bars draws a chart of horizontal bars: of largest magnitude, largest first; bars below zero in another colour.
func Bars(title string, bars []Bar) []byte {
	slices.SortStableFunc(bars, func(a, b Bar) int { return cmp.Compare(magnitude(b.Value), magnitude(a.Value)) })
	bars = bars[:min(len(bars), maxBars)]
	const left, top, width, line, right = 210, 50, 420, 22, 90
	p := New(left+width+right, top+len(bars)*line+20, title)
	for i, b := range bars {
		length := 0
		if largest := magnitude(bars[0].Value); largest > 0 {
			length = int(width * magnitude(b.Value) / largest)
		}
		fill := "#2166ac"
		if b.Value < 0 {
			fill = "#b2182b"
		}
		y := top + i*line
		shown := fmt.Sprintf("%.4g", b.Value)
		p.Text(left-8, y+15, LabelSize, AtEnd, Ink, Shorten(b.Label, 28))
		p.Rect(left, y+3, max(length, 1), line-6, fill, b.Label+": "+shown)
		p.Text(left+length+6, y+15, LabelSize, AtStart, Faint, shown)
	}
	return p.Bytes()
}

// magnitude of a finite number; of others none, so that one of them does not hide the rest.
func magnitude(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Abs(v)
}
