package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelmanifest"
	"github.com/cairnml/cairn/internal/store"
)

// Comparison is what differs between two versions.
type Comparison struct {
	From, To *ent.ModelVersion
	// Verdict tells whether who calls From breaks with To.
	Verdict      Verdict
	Schema       []SchemaChange
	Params       []TextChange
	Metrics      []MetricChange
	Data         []DataChange
	Dependencies []TextChange
	// Parts are the parts of the fingerprints, such as code and seeds, that differ.
	Parts []string
	// Complete is false when the runs have more params or metrics than are compared.
	Complete bool
}

// TextChange is a param, or the requirement of a package; nil where a version does not have it.
type TextChange struct {
	Key      string
	From, To *string
}

// MetricChange is a metric; nil where a version does not have it.
type MetricChange struct {
	Key      string
	From, To *float64
}

// DataChange is a dataset that one of the runs read, or both with other digests; empty where it was not read.
type DataChange struct {
	Name, Context        string
	FromDigest, ToDigest string
}

// Compare compares two versions, of one model or of two.
func (s *Service) Compare(ctx context.Context, from, to Ref) (*Comparison, error) {
	c := &Comparison{}
	var err error
	if c.From, err = s.Resolve(ctx, from); err != nil {
		return nil, err
	}
	if c.To, err = s.Resolve(ctx, to); err != nil {
		return nil, err
	}
	manifests, err := s.ManifestsOf(ctx, []int{c.From.ID, c.To.ID})
	if err != nil {
		return nil, err
	}
	if err := c.schema(manifests[c.From.ID], manifests[c.To.ID]); err != nil {
		return nil, err
	}
	before, err := s.factsOf(ctx, c.From)
	if err != nil {
		return nil, err
	}
	after, err := s.factsOf(ctx, c.To)
	if err != nil {
		return nil, err
	}
	c.Complete = !before.cut && !after.cut
	c.Params = textChanges(before.params, after.params)
	for _, key := range keysOf(before.metrics, after.metrics) {
		a, b := pointer(before.metrics, key), pointer(after.metrics, key)
		if a == nil || b == nil || *a != *b && !(math.IsNaN(*a) && math.IsNaN(*b)) {
			c.Metrics = append(c.Metrics, MetricChange{key, a, b})
		}
	}
	c.Data = dataChanges(before.inputs, after.inputs)
	c.Dependencies = textChanges(
		packagesOf(before.fingerprint, manifests[c.From.ID]), packagesOf(after.fingerprint, manifests[c.To.ID]))
	c.Parts = partsThatDiffer(before.fingerprint, after.fingerprint)
	return c, nil
}

func (c *Comparison) schema(from, to *ent.ModelManifest) error {
	read := func(m *ent.ModelManifest) (*Signature, error) {
		if m == nil {
			return nil, nil //nolint:nilnil // there is none
		}
		return readSignature(m.Signature)
	}
	a, err := read(from)
	if err != nil {
		return err
	}
	b, err := read(to)
	if err != nil {
		return err
	}
	c.Verdict, c.Schema = diffSignatures(a, b)
	return nil
}

func pointer[V any](m map[string]V, key string) *V {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

func textChanges(from, to map[string]string) []TextChange {
	var out []TextChange
	for _, key := range keysOf(from, to) {
		a, b := pointer(from, key), pointer(to, key)
		if a == nil || b == nil || *a != *b {
			out = append(out, TextChange{key, a, b})
		}
	}
	return out
}

// dataChanges compares what was read, by name and context. What was read under one name with several digests is compared as a
// set.
func dataChanges(from, to []*ent.RunInput) []DataChange {
	type place struct{ name, context string }
	digests := func(inputs []*ent.RunInput) map[place]map[string]bool {
		out := map[place]map[string]bool{}
		for _, in := range inputs {
			if in.Edges.Dataset == nil {
				continue
			}
			p := place{in.Edges.Dataset.Name, in.Context}
			if out[p] == nil {
				out[p] = map[string]bool{}
			}
			out[p][in.Edges.Dataset.Digest] = true
		}
		return out
	}
	before, after := digests(from), digests(to)
	places := maps.Clone(before)
	maps.Copy(places, after)
	var out []DataChange
	for p := range places {
		a, b := before[p], after[p]
		gone := slices.Sorted(maps.Keys(a))
		gone = slices.DeleteFunc(gone, func(d string) bool { return b[d] })
		came := slices.Sorted(maps.Keys(b))
		came = slices.DeleteFunc(came, func(d string) bool { return a[d] })
		for i := range max(len(gone), len(came)) {
			change := DataChange{Name: p.name, Context: p.context}
			if i < len(gone) {
				change.FromDigest = gone[i]
			}
			if i < len(came) {
				change.ToDigest = came[i]
			}
			out = append(out, change)
		}
	}
	slices.SortFunc(out, func(a, b DataChange) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Context, b.Context), cmp.Compare(a.FromDigest+a.ToDigest, b.FromDigest+b.ToDigest))
	})
	return out
}

// packagesOf gives what is asked for of each package: by the environment that the run had, or else by the model's own
// requirements.
func packagesOf(f *ent.Fingerprint, m *ent.ModelManifest) map[string]string {
	out := map[string]string{}
	if m != nil {
		for line := range strings.Lines(m.Requirements) {
			addRequirement(out, line)
		}
	}
	if f == nil {
		return out
	}
	var detail struct {
		Dependencies struct {
			Python   string   `json:"python"`
			Packages []string `json:"packages"`
		} `json:"dependencies"`
	}
	if json.Unmarshal([]byte(f.Detail), &detail) != nil { // of another's making, with other members
		return out
	}
	if detail.Dependencies.Python != "" {
		out["python"] = detail.Dependencies.Python
	}
	for _, p := range detail.Dependencies.Packages {
		addRequirement(out, p)
	}
	return out
}

// addRequirement reads a line of requirements: the package, and what is asked for of it. Names are compared as PEP 503 has
// them.
func addRequirement(into map[string]string, line string) {
	line, _, _ = strings.Cut(line, " #")
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == '-' {
		return
	}
	end := strings.IndexAny(line, "=<>!~;@[ ")
	if end < 0 {
		end = len(line)
	}
	name := strings.ToLower(line[:end])
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-")
	into[name] = strings.TrimSpace(line[end:])
}

func partsThatDiffer(a, b *ent.Fingerprint) []string {
	if a == nil || b == nil {
		return nil
	}
	var out []string
	for _, part := range []struct{ name, a, b string }{
		{"code", a.CodeHash, b.CodeHash}, {"data", a.DataHash, b.DataHash}, {"dependencies", a.DependenciesHash, b.DependenciesHash},
		{"seeds", a.SeedsHash, b.SeedsHash}, {"command", a.CommandHash, b.CommandHash}, {"hardware", a.HardwareHash, b.HardwareHash},
	} {
		if part.a != part.b {
			out = append(out, part.name)
		}
	}
	return out
}

// ManifestsOf gives what the files of versions said when they were registered, by the versions' internal ids.
func (s *Service) ManifestsOf(ctx context.Context, versions []int) (map[int]*ent.ModelManifest, error) {
	return store.Keyed(versions, "manifests", func(ids []int) ([]*ent.ModelManifest, error) {
		return s.db.Ent().ModelManifest.Query().Where(modelmanifest.ModelVersionIDIn(ids...)).All(ctx)
	}, func(m *ent.ModelManifest) int { return m.ModelVersionID })
}

// SignatureOf reads the signature of a manifest; nil when it has none.
func SignatureOf(m *ent.ModelManifest) (*Signature, error) {
	sig, err := readSignature(m.Signature)
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", m.ModelVersionID, err)
	}
	return sig, nil
}
