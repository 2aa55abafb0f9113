package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// maxListed bounds the checkpoints in checkpoints.json, which is written anew for each.
const maxListed = 1000

// checkpoints are the files that a loop saved, in their order.
type checkpoints struct {
	listed []saved
}

type saved struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Step int64  `json:"step"`
	// Copied says whether the run has the file itself; of files of one name it has the last.
	Copied bool `json:"copied"`
}

func newCheckpoints() *checkpoints { return &checkpoints{} }

func (c *checkpoints) record(o sdk.Observation) ([]sdk.Record, error) {
	var s saved
	if err := o.Decode(&s); err != nil {
		return []sdk.Record{}, err
	}
	name := strings.ReplaceAll(path.Base(path.Clean("/"+s.Name)), "\\", "_")
	if name == "/" {
		return []sdk.Record{}, fmt.Errorf("a checkpoint has no name: %q", s.Name)
	}
	var records []sdk.Record
	if source := o.Files["checkpoint"]; source != "" {
		s.Copied = true
		records = append(records, sdk.File{Path: "checkpoints/" + name, Source: source})
	}
	if len(c.listed) < maxListed {
		c.listed = append(c.listed, s)
		listing, err := training.Document(c.listed)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "checkpoints.json", Data: listing})
	}
	return records, nil
}
