package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// maxSegment bounds a name in the path of an artifact, in characters.
const maxSegment = 100

// written records a picture, a histogram or a text that a SummaryWriter got, at a path that its tag makes.
func written(_ *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Path string `json:"path"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	source := o.Files["content"]
	if source == "" {
		return []sdk.Record{}, fmt.Errorf("%s has no content", p.Path)
	}
	return []sdk.Record{sdk.File{Path: "tensorboard/" + cleanPath(p.Path), Source: source}}, nil
}

// cleanPath makes a legal path of a tag, which holds anything.
func cleanPath(tag string) string {
	var segments []string
	for segment := range strings.SplitSeq(tag, "/") {
		segment = strings.Trim(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-.= ", r) {
				return r
			}
			return '_'
		}, segment), " .")
		if characters := []rune(segment); len(characters) > maxSegment {
			segment = string(characters[:maxSegment])
		}
		if segment != "" {
			segments = append(segments, segment)
		}
	}
	return strings.Join(segments, "/")
}
