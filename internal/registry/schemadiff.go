package registry

import (
	"fmt"
	"slices"
)

// Part says which part of a signature a change is in.
type Part string

// The parts.
const (
	PartInput  Part = "INPUT"
	PartOutput Part = "OUTPUT"
	PartParam  Part = "PARAM"
)

// SchemaChange is one difference between two signatures.
type SchemaChange struct {
	Part Part
	// Name is that of the field with those around it ("address.zip"), or its place where it has none ("[0]").
	Name string
	// From and To are the types, empty where the field is missing.
	From, To string
	// Breaks tells that who calls the first version, as it asks to be called, fails with the second, or misses something in
	// its answer.
	Breaks bool
	// Why says what that means for the caller.
	Why string
}

// Verdict sums up the changes of a signature.
type Verdict string

// The verdicts.
const (
	SchemaSame       Verdict = "SAME"
	SchemaCompatible Verdict = "COMPATIBLE" // there are changes, and no caller breaks
	SchemaBreaking   Verdict = "BREAKING"
	SchemaUnknown    Verdict = "UNKNOWN" // one of the versions has no signature
)

// diffSignatures compares what callers of from send and get with what to takes and gives. It holds to how MLflow enforces
// signatures: columns that a model does not ask for are dropped, and numbers are widened where nothing is lost.
func diffSignatures(from, to *Signature) (Verdict, []SchemaChange) {
	if from == nil || to == nil {
		return SchemaUnknown, nil
	}
	var d schemaDiff
	d.fields(PartInput, from.Inputs, to.Inputs)
	d.fields(PartOutput, from.Outputs, to.Outputs)
	d.params(from.Params, to.Params)
	switch {
	case len(d.changes) == 0:
		return SchemaSame, nil
	case slices.ContainsFunc(d.changes, func(c SchemaChange) bool { return c.Breaks }):
		return SchemaBreaking, d.changes
	}
	return SchemaCompatible, d.changes
}

type schemaDiff struct{ changes []SchemaChange }

func (d *schemaDiff) add(part Part, name, from, to string, breaks bool, why string) {
	d.changes = append(d.changes, SchemaChange{Part: part, Name: name, From: from, To: to, Breaks: breaks, Why: why})
}

// fields compares the fields of inputs or outputs: by name, or by place where they have none.
func (d *schemaDiff) fields(part Part, from, to []Field) {
	after := make(map[string]Field, len(to))
	for i, f := range to {
		after[placeOf(f, i)] = f
	}
	before := make(map[string]bool, len(from))
	for i, old := range from {
		name := placeOf(old, i)
		before[name] = true
		f, there := after[name]
		if !there {
			d.gone(part, name, old)
			continue
		}
		d.field(part, name, old, f)
	}
	for i, f := range to {
		if name := placeOf(f, i); !before[name] {
			d.came(part, name, f, len(from) > 0)
		}
	}
}

func placeOf(f Field, i int) string {
	if f.Name == "" {
		return fmt.Sprintf("[%d]", i)
	}
	return f.Name
}

func (d *schemaDiff) gone(part Part, name string, old Field) {
	switch {
	case part == PartOutput:
		d.add(part, name, old.Type.String(), "", true, "who reads it does not find it any more")
	case old.Name == "":
		d.add(part, name, old.Type.String(), "", true, "columns without names are counted, and one less is taken")
	default:
		d.add(part, name, old.Type.String(), "", false, "it is not asked for any more, and dropped when it is sent")
	}
}

func (d *schemaDiff) came(part Part, name string, f Field, any bool) {
	switch {
	case part == PartOutput:
		d.add(part, name, "", f.Type.String(), false, "there is more in the answer")
	case f.Required && any:
		d.add(part, name, "", f.Type.String(), true, "it is required, and callers do not send it")
	case f.Required:
		d.add(part, name, "", f.Type.String(), true, "it is required, where nothing was asked for before")
	default:
		d.add(part, name, "", f.Type.String(), false, "it may be left out")
	}
}

func (d *schemaDiff) field(part Part, name string, old, now Field) {
	d.types(part, name, old.Type, now.Type)
	switch {
	case old.Required == now.Required:
	case part == PartInput && now.Required:
		d.add(part, name, "optional "+old.Type.String(), "required "+now.Type.String(), true, "callers may leave it out, and it is required now")
	case part == PartInput:
		d.add(part, name, "required "+old.Type.String(), "optional "+now.Type.String(), false, "it may be left out now")
	case now.Required:
		d.add(part, name, "optional "+old.Type.String(), "required "+now.Type.String(), false, "it is always in the answer now")
	default:
		d.add(part, name, "required "+old.Type.String(), "optional "+now.Type.String(), true, "who reads it relies on it, and it may be missing now")
	}
}

// types compares two types, going into those that have the same structure.
func (d *schemaDiff) types(part Part, name string, old, now Type) {
	from, to := old.String(), now.String()
	if from == to {
		return
	}
	if old.Kind == now.Kind {
		switch old.Kind {
		case "object":
			d.properties(part, name, old.Properties, now.Properties)
			return
		case "array", "map":
			if old.Items != nil && now.Items != nil {
				d.types(part, name+"[]", *old.Items, *now.Items)
				return
			}
		case "tensor":
			d.tensor(part, name, old, now)
			return
		}
	}
	given, taken := old, now // what callers send, and what is taken
	if part == PartOutput {
		given, taken = now, old // what is answered, and what callers take
	}
	if widens(given, taken) {
		d.add(part, name, from, to, false, "every value of the one type is one of the other")
		return
	}
	why := "what callers send is refused"
	if part == PartOutput {
		why = "who reads it gets another type"
	}
	d.add(part, name, from, to, true, why)
}

func (d *schemaDiff) properties(part Part, name string, from, to []Field) {
	var inner schemaDiff
	inner.fields(part, from, to)
	for _, c := range inner.changes {
		c.Name = name + "." + c.Name
		d.changes = append(d.changes, c)
	}
}

// wider are the conversions that MLflow makes of itself.
var wider = map[string][]string{"integer": {"long", "double"}, "float": {"double"}}

func widens(given, taken Type) bool {
	return taken.Kind == "any" || slices.Contains(wider[given.Kind], taken.Kind)
}

func (d *schemaDiff) tensor(part Part, name string, old, now Type) {
	from, to := old.String(), now.String()
	given, taken := old, now
	if part == PartOutput {
		given, taken = now, old
	}
	switch {
	case old.DType != now.DType:
		d.add(part, name, from, to, true, "tensors of "+old.DType+" and "+now.DType+" are not taken for each other")
	case !fits(given.Shape, taken.Shape):
		d.add(part, name, from, to, true, "tensors of the one shape do not fit the other")
	default:
		d.add(part, name, from, to, false, "every tensor of the one shape fits the other")
	}
}

// fits tells whether each tensor of a shape has another shape too.
func fits(given, taken []int64) bool {
	return slices.EqualFunc(given, taken, func(g, t int64) bool { return t == -1 || g == t })
}

func (d *schemaDiff) params(from, to []Param) {
	after := make(map[string]Param, len(to))
	for _, p := range to {
		after[p.Name] = p
	}
	before := make(map[string]bool, len(from))
	for _, old := range from {
		before[old.Name] = true
		p, there := after[old.Name]
		switch {
		case !there:
			d.add(PartParam, old.Name, old.text(), "", false, "it is ignored when it is sent")
		case old.Type.String() != p.Type.String() || !slices.Equal(old.Shape, p.Shape):
			breaks := !widens(old.Type, p.Type) || !slices.Equal(old.Shape, p.Shape)
			why := "every value of the one type is one of the other"
			if breaks {
				why = "what callers send is refused"
			}
			d.add(PartParam, old.Name, old.text(), p.text(), breaks, why)
		case old.Default != p.Default:
			d.add(PartParam, old.Name, old.text(), p.text(), false, "who leaves it out gets another default")
		}
	}
	for _, p := range to {
		if !before[p.Name] {
			d.add(PartParam, p.Name, "", p.text(), false, "it has a default")
		}
	}
}

func (p Param) text() string {
	shape := ""
	if len(p.Shape) > 0 {
		shape = shapeText(p.Shape)
	}
	return p.Type.String() + shape + " = " + p.Default
}
