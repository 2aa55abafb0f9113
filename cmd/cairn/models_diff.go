package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsDiff struct {
	connection
	listing
	From  string `arg:"" help:"The version that callers use now: NAME/2, NAME/Production, NAME@ALIAS or NAME/latest."`
	To    string `arg:"" help:"The version that they would get."`
	Check bool   `help:"End with exit code 1 when callers break, or nobody can tell."`
}

func (d *modelsDiff) Run(ctx context.Context, std streams) error {
	c, err := d.open()
	if err != nil {
		return err
	}
	defer c.Close()
	var refs [2]modelRef
	for i, text := range []string{d.From, d.To} {
		if refs[i], err = parseModelRef(text).version(); err != nil {
			return err
		}
	}
	answer, err := client.CompareModelVersions(ctx, c, refs[0].uri(), refs[1].uri())
	if err != nil {
		return whichIsMissing(ctx, c, refs[:], err)
	}
	comparison := &answer.CompareModelVersions
	if d.JSON {
		err = putJSON(std.out, comparison)
	} else {
		err = showComparison(comparison, std)
	}
	if err != nil {
		return err
	}
	if v := comparison.Verdict; d.Check && v != client.SchemaVerdictSame && v != client.SchemaVerdictCompatible {
		return exitCode(exitError)
	}
	return nil
}

// whichIsMissing names the version that is not there, if that was it.
func whichIsMissing(ctx context.Context, c *client.Client, refs []modelRef, err error) error {
	if !errs.Is(err, errs.NotFound) {
		return err //nolint:wrapcheck // an error for users already
	}
	for _, ref := range refs {
		if found, findErr := client.FindModelVersion(ctx, c, ref.uri()); findErr == nil && found.ModelVersion == nil {
			return explain(ctx, c, ref.name, noSuchVersion(ref))
		}
	}
	return err //nolint:wrapcheck // an error for users already
}

func comparedName(v client.ComparedVersion) string {
	return fmt.Sprintf("%s/%d", printable(v.Name), v.Version)
}

// verdictText says first what matters most.
func verdictText(c *client.VersionComparison) string {
	from, to := comparedName(c.From), comparedName(c.To)
	switch c.Verdict {
	case client.SchemaVerdictBreaking:
		return fmt.Sprintf("Callers of %s BREAK with %s.\n", from, to)
	case client.SchemaVerdictCompatible:
		return fmt.Sprintf("Callers of %s do not break with %s, whose signature differs.\n", from, to)
	case client.SchemaVerdictSame:
		return fmt.Sprintf("Callers of %s do not break with %s: the signatures are the same.\n", from, to)
	}
	var without []string
	for _, v := range []client.ComparedVersion{c.From, c.To} {
		if v.Signature == nil {
			without = append(without, comparedName(v))
		}
	}
	return fmt.Sprintf("Whether callers of %s break with %s is not known: without a signature: %s.\n", from, to, strings.Join(without, ", "))
}

// gaps says what could not be compared.
func gaps(c *client.VersionComparison) []string {
	var out []string
	for _, v := range []client.ComparedVersion{c.From, c.To} {
		if v.Run == nil {
			out = append(out, fmt.Sprintf("the run of %s is not known here, and so none of its params, data and environment", comparedName(v)))
		}
	}
	if !c.Complete {
		out = append(out, "the runs have more params or metrics than are compared (10,000 of each)")
	}
	return out
}

func showComparison(c *client.VersionComparison, std streams) error {
	if err := put(std.out, verdictText(c)); err != nil {
		return err
	}
	for _, gap := range gaps(c) {
		if err := put(std.out, "Incomplete: "+gap+".\n"); err != nil {
			return err
		}
	}
	from, to := comparedName(c.From), comparedName(c.To)
	columns := newTable("  PART", "NAME", from, to, "BREAKS", "WHY")
	for _, s := range c.Schema {
		breaks := "no"
		if s.Breaks {
			breaks = "YES"
		}
		columns.add("  "+strings.ToLower(string(s.Part)), s.Name, valueOr(s.From, "(none)"), valueOr(s.To, "(none)"), breaks, s.Why)
	}
	metrics := newTable("  KEY", ">"+from, ">"+to)
	for _, m := range c.Metrics {
		cells := metricCells([]*client.MetricValue{m.From, m.To})
		for i := range cells {
			if cells[i] == "" {
				cells[i] = "(none)"
			}
		}
		metrics.add(append([]string{"  " + m.Key}, cells...)...)
	}
	data := newTable("  DATASET", "CONTEXT", from, to)
	for _, d := range c.Data {
		data.add("  "+d.Name, d.Context, valueOr(d.FromDigest, "(not read)"), valueOr(d.ToDigest, "(not read)"))
	}
	parts := newTable("  PART")
	for _, p := range c.Parts {
		parts.add("  " + p)
	}
	sections := []section{
		{"Columns", columns}, {"Params", changesTable(c.Params, from, to)}, {"Metrics", metrics}, {"Data", data},
		{"Dependencies", changesTable(c.Dependencies, from, to)}, {"Fingerprints differ in", parts},
	}
	for _, s := range sections {
		if len(s.table.rows) > 0 {
			return writeSections(std.out, sections)
		}
	}
	return put(std.out, "Nothing else that was recorded differs.\n")
}

func changesTable(changes []client.ChangedText, from, to string) *table {
	t := newTable("  KEY", from, to)
	for _, c := range changes {
		t.add("  "+c.Key, short(valueOr(c.From, "(none)")), short(valueOr(c.To, "(none)")))
	}
	return t
}
