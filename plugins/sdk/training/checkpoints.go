package training

import (
	"fmt"
	"path"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
)

// maxListed bounds the checkpoints in checkpoints.json, which is written anew for each.
const maxListed = 1000

// checkpoint is a file that was saved during a training.
type checkpoint struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Step int64  `json:"step"`
	// Copied says whether the run has the file itself; of files of one name it has the last.
	Copied bool `json:"copied"`
}

// checkpoint records a file that the user saved: in the list of all, and itself where the hook copied it.
func (f *Fit) checkpoint(o sdk.Observation) ([]sdk.Record, error) {
	var c checkpoint
	if err := o.Decode(&c); err != nil {
		return []sdk.Record{}, err
	}
	name := strings.ReplaceAll(path.Base(path.Clean("/"+c.Name)), "\\", "_")
	if name == "/" {
		return []sdk.Record{}, fmt.Errorf("a checkpoint has no name: %q", c.Name)
	}
	var records []sdk.Record
	if source := o.Files["checkpoint"]; source != "" {
		c.Copied = true
		records = append(records, sdk.File{Path: "checkpoints/" + name, Source: source})
	}
	if len(f.checkpoints) < maxListed {
		f.checkpoints = append(f.checkpoints, c)
		listing, err := Document(f.checkpoints)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "checkpoints.json", Data: listing})
	}
	return records, nil
}
