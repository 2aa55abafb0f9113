package project

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// maxSweep bounds the runs of a sweep.
const maxSweep = 10_000

// maxRange bounds the width of a range, so that its whole numbers are exact.
const maxRange = 1 << 52

// Sweep says which values of parameters are tried. A parameter's text is a list of values with commas between them, or, where they
// are drawn at random, a range FROM..TO.
type Sweep struct {
	// Random is how many combinations are drawn; 0 for all of them.
	Random int
	Seed   uint64
}

// Combinations gives the parameters of each run, in an order that is the same each time, and the names of those that differ.
func (s Sweep) Combinations(given map[string]string) (all []map[string]string, varied []string, err error) {
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	choices := make([]choice, 0, len(names))
	total := 1
	for _, name := range names {
		c, err := parseChoice(name, given[name], s.Random > 0)
		if err != nil {
			return nil, nil, err
		}
		choices = append(choices, c)
		if c.draws() || len(c.values) > 1 {
			varied = append(varied, name)
		}
		if total <= maxSweep {
			total *= max(1, len(c.values))
		}
	}
	if len(varied) == 0 {
		return nil, nil, errs.New(errs.Invalid, "a sweep needs a parameter with several values, for example -P lr=0.1,0.01")
	}
	if total > maxSweep && s.Random == 0 || s.Random > maxSweep {
		return nil, nil, errs.New(errs.Invalid, "that is more than %d runs; --random N draws some of the combinations", maxSweep)
	}
	if s.Random > 0 {
		return s.draw(choices), varied, nil
	}
	for i := range total {
		combination := map[string]string{}
		rest := i
		for _, c := range slices.Backward(choices) { // the last name changes fastest
			combination[c.name] = c.values[rest%len(c.values)]
			rest /= len(c.values)
		}
		all = append(all, combination)
	}
	return all, varied, nil
}

// draw takes combinations at random, each once; fewer where there are fewer.
func (s Sweep) draw(choices []choice) []map[string]string {
	random := rand.New(rand.NewPCG(s.Seed, 0)) //nolint:gosec // to be the same for the same seed
	var all []map[string]string
	seen := map[string]bool{}
	for misses := 0; len(all) < s.Random && misses < 1000; {
		combination, key := map[string]string{}, ""
		for _, c := range choices {
			combination[c.name] = c.pick(random)
			key += strconv.Quote(combination[c.name])
		}
		if seen[key] {
			misses++
			continue
		}
		seen[key], misses = true, 0
		all = append(all, combination)
	}
	return all
}

// choice is what a parameter may be: one of some values, or a number of a range.
type choice struct {
	name     string
	values   []string
	from, to float64
	whole    bool
}

func (c choice) draws() bool { return len(c.values) == 0 }

func parseChoice(name, text string, random bool) (choice, error) {
	c := choice{name: name}
	if low, high, ranged := strings.Cut(text, ".."); ranged {
		from, errFrom := strconv.ParseFloat(low, 64)
		to, errTo := strconv.ParseFloat(high, 64)
		if errFrom == nil && errTo == nil {
			if !random {
				return c, errs.Field("-P "+name, "a range is drawn from at random: add --random N, or list its values")
			}
			if math.IsNaN(to-from) || from >= to || to-from > maxRange {
				return c, errs.Field("-P "+name, "%s is no range: its first number must be the smaller", text)
			}
			c.from, c.to, c.whole = from, to, !strings.ContainsAny(text, "eE") && strings.Count(text, ".") == 2
			return c, nil
		}
	}
	c.values = strings.Split(text, ",")
	slices.Sort(c.values)
	if len(slices.Compact(slices.Clone(c.values))) != len(c.values) {
		return c, errs.Field("-P "+name, "has a value twice")
	}
	c.values = strings.Split(text, ",")
	return c, nil
}

func (c choice) pick(random *rand.Rand) string {
	switch {
	case !c.draws():
		return c.values[random.IntN(len(c.values))]
	case c.whole:
		return strconv.FormatInt(int64(c.from)+random.Int64N(int64(c.to)-int64(c.from)+1), 10)
	}
	return strconv.FormatFloat(c.from+random.Float64()*(c.to-c.from), 'g', 6, 64)
}
