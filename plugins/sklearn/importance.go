package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cairnml/cairn/plugins/sdk"
)

// maxBars bounds the features that are drawn: the most important ones.
const maxBars = 30

type bar struct {
	feature string
	value   float64
}

// importance records what each feature weighs in the model, as data and as a picture of the heaviest.
func importance(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Kind     string      `json:"kind"`
		Features []string    `json:"features"`
		Values   []sdk.Float `json:"values"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	if len(p.Features) != len(p.Values) {
		return []sdk.Record{}, fmt.Errorf("%d importances for %d features", len(p.Values), len(p.Features))
	}
	data, err := document(p)
	if err != nil {
		return []sdk.Record{}, err
	}
	bars := make([]bar, len(p.Values))
	for i, value := range p.Values {
		bars[i] = bar{p.Features[i], float64(value)}
	}
	return []sdk.Record{
		sdk.File{Path: "feature_importance.json", Data: data},
		sdk.File{Path: "feature_importance.svg", Data: drawBars("Feature importance ("+p.Kind+")", bars)},
	}, nil
}

// drawBars draws the bars of largest magnitude, largest first; bars below zero in another colour.
func drawBars(title string, bars []bar) []byte {
	slices.SortStableFunc(bars, func(a, b bar) int { return cmp.Compare(magnitude(b.value), magnitude(a.value)) })
	bars = bars[:min(len(bars), maxBars)]
	const left, top, width, line, right = 210, 50, 420, 22, 90
	p := newPicture(left+width+right, top+len(bars)*line+20, title)
	for i, b := range bars {
		length := 0
		if largest := magnitude(bars[0].value); largest > 0 {
			length = int(width * magnitude(b.value) / largest)
		}
		fill := "#2166ac"
		if b.value < 0 {
			fill = "#b2182b"
		}
		y := top + i*line
		shown := fmt.Sprintf("%.4g", b.value)
		p.text(left-8, y+15, labelSize, atEnd, "#222222", shorten(b.feature, 28))
		p.rect(left, y+3, max(length, 1), line-6, fill, b.feature+": "+shown)
		p.text(left+length+6, y+15, labelSize, atStart, "#555555", shown)
	}
	return p.bytes()
}

// magnitude of a finite number; of others none, so that one of them does not hide the rest.
func magnitude(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Abs(v)
}
