package training

import (
	"fmt"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/picture"
)

// Importance records what each feature weighs in the model, as data and as a picture of the heaviest. A framework that has
// several kinds of importance sends one observation for each, with a name for its files.
func Importance(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Name     string      `json:"name,omitempty"`
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
	name := "feature_importance"
	if p.Name != "" {
		name += "_" + strings.ReplaceAll(Key(p.Name), "/", "_")
		p.Name = ""
	}
	data, err := Document(p)
	if err != nil {
		return []sdk.Record{}, err
	}
	bars := make([]picture.Bar, len(p.Values))
	for i, value := range p.Values {
		bars[i] = picture.Bar{Label: p.Features[i], Value: float64(value)}
	}
	return []sdk.Record{
		sdk.File{Path: name + ".json", Data: data},
		sdk.File{Path: name + ".svg", Data: picture.Bars("Feature importance ("+p.Kind+")", bars)},
	}, nil
}
