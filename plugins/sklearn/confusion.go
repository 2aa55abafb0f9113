package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/picture"
)

// A confusion matrix is drawn up to this many classes, and with a number in each cell up to that many.
const (
	maxDrawnClasses    = 60
	maxNumberedClasses = 25
	maxLabel           = 16 // characters of a class's name that are drawn
)

type confusion struct {
	Labels []string  `json:"labels"`
	Counts [][]int64 `json:"counts"`
	Rows   int64     `json:"rows"`
	Of     int64     `json:"of"`
}

// confusionMatrix records the matrix as data and, where people can read it, as a picture.
func confusionMatrix(o sdk.Observation) ([]sdk.Record, error) {
	var c confusion
	if err := o.Decode(&c); err != nil {
		return []sdk.Record{}, err
	}
	if err := c.check(); err != nil {
		return []sdk.Record{}, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return []sdk.Record{}, fmt.Errorf("write the confusion matrix: %w", err)
	}
	records := []sdk.Record{sdk.File{Path: "training_confusion_matrix.json", Data: append(data, '\n')}}
	if len(c.Labels) <= maxDrawnClasses {
		records = append(records, sdk.File{Path: "training_confusion_matrix.svg", Data: c.draw()})
	}
	return records, nil
}

func (c confusion) check() error {
	if len(c.Counts) != len(c.Labels) {
		return fmt.Errorf("confusion matrix of %d rows for %d classes", len(c.Counts), len(c.Labels))
	}
	for i, row := range c.Counts {
		if len(row) != len(c.Labels) {
			return fmt.Errorf("row %d of the confusion matrix has %d cells for %d classes", i, len(row), len(c.Labels))
		}
	}
	return nil
}

// draw shades each cell by its share of the true class.
func (c confusion) draw() []byte {
	n := max(len(c.Labels), 1)
	cell := min(max(480/n, 12), 90)
	longest := 1
	for _, label := range c.Labels {
		longest = max(longest, len([]rune(picture.Shorten(label, maxLabel))))
	}
	const top, right = 50, 60
	left, bottom := 50+longest*picture.LabelSize*2/3, 45+longest*picture.LabelSize*2/3
	p := picture.New(max(left+n*cell+right, 320), top+n*cell+bottom, "Confusion matrix (training data)")
	for i, row := range c.Counts {
		var total int64
		for _, count := range row {
			total += count
		}
		label := picture.Shorten(c.Labels[i], maxLabel)
		p.Text(left-8, top+i*cell+cell/2+4, picture.LabelSize, picture.AtEnd, picture.Ink, label)
		p.Upright(left+i*cell+cell/2+4, top+n*cell+8, picture.LabelSize, picture.AtEnd, picture.Ink, label)
		for j, count := range row {
			share := 0.0
			if total > 0 {
				share = float64(count) / float64(total)
			}
			fill, ink := picture.Shade(share)
			tip := fmt.Sprintf("true %s, predicted %s: %d (%.1f %%)", c.Labels[i], c.Labels[j], count, 100*share)
			p.Rect(left+j*cell, top+i*cell, cell-1, cell-1, fill, tip)
			if n <= maxNumberedClasses {
				p.Text(left+j*cell+cell/2, top+i*cell+cell/2+4, min(picture.LabelSize, cell/2), picture.AtMiddle, ink, strconv.FormatInt(count, 10))
			}
		}
	}
	p.Text(left+n*cell/2, top+n*cell+bottom-10, picture.LabelSize, picture.AtMiddle, picture.Faint, "predicted class")
	p.Upright(20, top+n*cell/2, picture.LabelSize, picture.AtMiddle, picture.Faint, "true class")
	return p.Bytes()
}
