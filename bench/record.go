//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// size is how much of a profile's named size is run.
type size struct {
	text  string
	share float64
}

// sizes are those whose results are kept.
var sizes = []size{{"1/16", 1.0 / 16}, {"1/4", 1.0 / 4}, {"1", 1}}

// parseSize reads "1" or "1/16".
func parseSize(text string) (size, error) {
	bad := fmt.Errorf("size %q: it is 1, or a part of it such as 1/16", text)
	over, under, found := strings.Cut(text, "/")
	if !found {
		under = "1"
	}
	n, err := strconv.Atoi(over)
	if err != nil {
		return size{}, bad
	}
	d, err := strconv.Atoi(under)
	if err != nil || n < 1 || d < n {
		return size{}, bad
	}
	return size{text, float64(n) / float64(d)}, nil
}

// of gives the part of n, at least 1.
func (s size) of(n int) int { return max(1, int(float64(n)*s.share)) }

// kept tells whether results of this size are kept; others are for trying out.
func (s size) kept() bool {
	return slices.ContainsFunc(sizes, func(k size) bool { return k.text == s.text })
}

// growth says how a figure may grow with the size.
type growth string

const (
	// perUnit: the cost of one piece of work stays as it is.
	perUnit growth = "unit"
	// total: the cost of all of it, or of an answer about all of it, grows with the size at most.
	total growth = "total"
)

// growthNoise is how much more a piece of work may cost at the largest size: what is measured twice differs by so much.
const growthNoise = 1.25

// figure is one number of a measurement.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	// Growth is set where it is a cost that is judged over the sizes.
	Growth growth `json:"growth,omitempty"`
}

// grid is a table of a report; the first row is its head.
type grid struct {
	Title string     `json:"title,omitempty"`
	Note  string     `json:"note,omitempty"`
	Rows  [][]string `json:"rows"`
}

// take is one measurement of a section, at one size if it has sizes.
type take struct {
	Size   string `json:"size,omitempty"`
	Date   string `json:"date"`
	Commit string `json:"commit,omitempty"`
	// Seconds is how long it took.
	Seconds     float64   `json:"seconds"`
	Machine     machine   `json:"machine"`
	Calibration []float64 `json:"calibration_ms"`
	// Scale says what was measured, in numbers.
	Scale   string   `json:"scale,omitempty"`
	Figures []figure `json:"figures,omitempty"`
	Limits  []limit  `json:"limits,omitempty"`
	Grids   []grid   `json:"tables,omitempty"`
}

// record is what is known of a section on a database: one take, or one for each size.
type record struct {
	Section  string `json:"section"`
	Database string `json:"database"`
	Takes    []take `json:"takes"`
}

func recordFile(directory, section, database string) string {
	return filepath.Join(directory, section+"-"+database+".json")
}

// loadRecord reads a record; one that is not there is empty.
func loadRecord(directory, section, database string) (record, error) {
	r := record{Section: section, Database: database}
	file := recordFile(directory, section, database)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// put replaces the take of the same size.
func (r *record) put(t take) {
	r.Takes = slices.DeleteFunc(r.Takes, func(old take) bool { return old.Size == t.Size })
	r.Takes = append(r.Takes, t)
	order := func(t take) int { return slices.IndexFunc(sizes, func(s size) bool { return s.text == t.Size }) }
	slices.SortFunc(r.Takes, func(a, b take) int { return order(a) - order(b) })
}

// save writes the record.
func (r *record) save(directory string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	return os.WriteFile(recordFile(directory, r.Section, r.Database), append(text, '\n'), 0o644)
}

// cost is a figure that is judged over sizes.
type cost struct {
	name, unit string
	// at is what it was at each size that was measured.
	at map[string]float64
	// growth is that from the smallest size to the largest; nil where these are one, or it cost nothing at the smallest.
	growth *limit
}

// costs are those of the largest size that was measured.
func (r *record) costs() []cost {
	if len(r.Takes) == 0 {
		return nil
	}
	least, most := r.Takes[0], r.Takes[len(r.Takes)-1]
	small, err := parseSize(least.Size)
	if err != nil {
		return nil // it has no sizes
	}
	large, err := parseSize(most.Size)
	if err != nil {
		return nil
	}
	var out []cost
	for _, f := range most.Figures {
		if f.Growth == "" {
			continue
		}
		c := cost{name: f.Name, unit: f.Unit, at: map[string]float64{}}
		for _, t := range r.Takes {
			if at := slices.IndexFunc(t.Figures, func(l figure) bool { return l.Name == f.Name }); at >= 0 {
				c.at[t.Size] = t.Figures[at].Value
			}
		}
		if from := c.at[least.Size]; len(r.Takes) > 1 && from > 0 {
			bound := growthNoise
			if f.Growth == total {
				bound = growthNoise * large.share / small.share
			}
			c.growth = &limit{
				Name:  fmt.Sprintf("%s: %s at size %s, times that at %s", r.Section, f.Name, most.Size, least.Size),
				Value: f.Value / from, Bound: bound, Unit: "×", Absolute: true,
			}
		}
		out = append(out, c)
	}
	return out
}

// overSizes judges what is compared over sizes: it counts where the machine was fast enough at each of them, since the sizes are
// not measured in turns.
func (r *record) overSizes() *take {
	all := &take{}
	for _, t := range r.Takes {
		all.Calibration = append(all.Calibration, t.Calibration...)
	}
	for _, c := range r.costs() {
		if c.growth != nil {
			all.Limits = append(all.Limits, *c.growth)
		}
	}
	return all
}

// fastEnough says whether the machine, as it was, is one that absolute limits count on.
func (t *take) fastEnough() bool {
	for _, c := range t.Calibration {
		if c > milliseconds(referenceCalibration)*calibrationFactor {
			return false
		}
	}
	return true
}

// missed names the limits that count and were not reached.
func (t *take) missed(limits []limit) []string {
	var out []string
	for _, l := range limits {
		if !l.met() && (!l.Absolute || t.fastEnough()) {
			out = append(out, l.failure())
		}
	}
	return out
}
