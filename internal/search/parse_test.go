package search

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filter, want string }{
		{"", ""},
		{" \t\n ", ""},
		{"metrics.acc > 0.9", "metrics.`acc` > 9e-01"},
		{"metric.acc>=-1", "metrics.`acc` >= -1"},
		{"metrics.a-b/c:d.min<+.5e2", "metrics.`a-b/c:d.min` < 5e+01"},
		{"params.depth = '3' and tags.a LIKE '%x_'", "params.`depth` = '3' AND tags.`a` LIKE '%x_'"},
		{"param.a = '1' AND parameter.b = \"2\" AND parameters.c != ''",
			"params.`a` = '1' AND params.`b` = '2' AND params.`c` != ''"},
		{"params.学习率 = 'ä'", "params.`学习率` = 'ä'"},
		{"metrics.`val loss` > 1 or metrics.\"val loss\" < 0", "metrics.`val loss` > 1 OR metrics.`val loss` < 0"},
		{"`metrics`.`a.b` > 1", "metrics.`a.b` > 1"},
		{"tags.`mlflow.parentRunId` = 'x'", "tags.`mlflow.parentRunId` = 'x'"},
		{"tags.mlflow.source.git.commit ilike 'AB%'", "tags.`mlflow.source.git.commit` ILIKE 'AB%'"},
		{"attributes.status = 'RUNNING' and attr.user_id='u' and run.start_time > 5 and end_time is null",
			"attributes.`status` = 'RUNNING' AND attributes.`user_id` = 'u' AND attributes.`start_time` > 5 AND attributes.`end_time` IS NULL"},
		{"Created > 5 and \"run name\" = 'a' and attribute.`Run Name` = 'b'",
			"attributes.`start_time` > 5 AND attributes.`run_name` = 'a' AND attributes.`run_name` = 'b'"},
		{"run_id in ('a','b',) and run_id NOT  IN ('c')",
			"attributes.`run_id` IN ('a', 'b') AND attributes.`run_id` NOT IN ('c')"},
		{"dataset.name = 'x' and datasets.context IN ('train')", "datasets.`name` = 'x' AND datasets.`context` IN ('train')"},
		{"a.x = 1", "!unknown entity a"},
		{"NOT (metrics.a > 1 OR metrics.b > 1) AND NOT metrics.c = 1",
			"NOT (metrics.`a` > 1 OR metrics.`b` > 1) AND NOT metrics.`c` = 1"},
		{"metrics.a > 1 or metrics.b > 1 and metrics.c > 1", "metrics.`a` > 1 OR (metrics.`b` > 1 AND metrics.`c` > 1)"},
		{"MIN(metrics.loss) < 1 and best(metric.`val loss`) > 0 and last(metrics.x) = 1",
			"min(metrics.`loss`) < 1 AND best(metrics.`val loss`) > 0 AND metrics.`x` = 1"},
		{"params.lr > 0.01 and params.depth in (3, 4)", "params.`lr` > 1e-02 AND params.`depth` IN (3, 4)"},
		{"params.a = 'it''s' and params.b = \"say \"\"hi\"\"\"", "params.`a` = 'it''s' AND params.`b` = 'say \"hi\"'"},
		{"experiment_id = '12' or experiment_id IN (3)", "attributes.`experiment_id` = 12 OR attributes.`experiment_id` IN (3)"},
		{"metrics.in > 1 and params.not is not null", "metrics.`in` > 1 AND params.`not` IS NOT NULL"},
	} {
		e, err := Parse(OfRuns, c.filter)
		if want, isError := strings.CutPrefix(c.want, "!"); isError {
			require.ErrorContains(t, err, want, c.filter)
			continue
		}
		require.NoError(t, err, c.filter)
		require.Equal(t, c.want, e.String(), c.filter)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", MaxFilterDepth+1) + "metrics.a > 1" + strings.Repeat(")", MaxFilterDepth+1)
	for _, c := range []struct{ filter, want string }{
		{"metrics.acc >", "filter: at 14: expected a value, found the end"},
		{"metrics.acc", "filter: at 12: expected an operator (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL), found the end"},
		{"metrics.acc > 'high'", "filter: at 15: expected a number to compare metrics.acc with, found 'high'"},
		{"metrics.acc > high", "filter: at 15: expected a number or a text in quotes, found high"},
		{"metrics.acc == 1", "filter: at 13: expected an operator, found ==; write ="},
		{"metrics.acc <> 1", "filter: at 13: expected an operator, found <>; write !="},
		{"metrics.acc =< 1", "filter: at 13: expected an operator (=, !=, <, <=, >, >=), found =<"},
		{"metrics.acc LIKE 'a'", "filter: at 13: expected one of =, !=, <, <=, >, >=, IN, NOT IN for metrics.acc, found LIKE"},
		{"metrics.acc > 1 metrics.b > 2", "filter: at 17: expected AND, OR or the end, found metrics.b"},
		{"metrics.acc > 1 and", "filter: at 20: expected a name such as metrics.loss, params.depth or start_time, found the end"},
		{"(metrics.acc > 1", "filter: at 17: expected AND, OR or ), found the end"},
		{"metrics.acc > 1)", "filter: at 16: expected AND, OR or the end, found )"},
		{"params.学习率 ! 'a'", "filter: at 12: expected an operator (=, !=, <, <=, >, >=), found !"},
		{"params.学习率 = 'a", "filter: at 14: the ' that opens here is never closed"},
		{"params.`a = 'a'", "filter: at 8: the ` that opens here is never closed"},
		{"params.a > 'x'", "filter: at 12: expected a number, since > compares numbers, found 'x'"},
		{"params.a LIKE 3", "filter: at 15: expected a text in quotes, since LIKE compares texts, found 3"},
		{"tags.a = 3", "filter: at 10: expected a text in quotes to compare tags.a with, found 3"},
		{"tags.a < '3'", "filter: at 8: expected one of =, !=, LIKE, ILIKE, IN, NOT IN for tags.a, found <"},
		{"metrics. > 1", "filter: at 9: expected a key after metrics."},
		{"metrics.a`b` > 1", "filter: at 10: unexpected ` in a key: quotes enclose the whole key"},
		{"metrics.`a`b > 1", "filter: at 12: unexpected 'b' after a quoted key: quotes enclose the whole key"},
		{"start_time > 'yesterday'", "filter: at 14: expected a number to compare start_time with, found 'yesterday'"},
		{"start_time is null", "filter: at 12: start_time always has a value, so it cannot be compared with NULL"},
		{"stat = 'x'", "filter: at 1: unknown attribute stat; runs have artifact_uri, created_by,"},
		{"foo.bar = 'x'", "filter: at 1: unknown entity foo; a filter of runs knows attributes, tags, params, metrics, datasets"},
		{"dataset.size = 'x'", "filter: at 1: unknown property size of a dataset; expected context, digest, name"},
		{"avg(metrics.a) > 1", "filter: at 1: unknown function avg; expected first, last, min, max or best of a metric"},
		{"min(params.a) > 1", "filter: at 5: min() is of a metric, found params.a"},
		{"min(metrics.a > 1", "filter: at 15: expected ), found >"},
		{"run_id IN 'a'", "filter: at 11: expected a list of values in parentheses, found 'a'"},
		{"run_id IN ()", "filter: at 12: expected a value, found )"},
		{"run_id IN ('a' 'b')", "filter: at 16: expected , or ), found 'b'"},
		{"run_id IN ('a', 3)", "filter: at 17: a list holds texts or numbers, not both"},
		{"run_id NOT LIKE 'a'", "filter: at 12: expected IN after NOT, found LIKE"},
		{"tags.a IS 'b'", "filter: at 11: expected NULL or NOT NULL after IS, found 'b'"},
		{"experiment_id > 3", "filter: at 15: expected one of =, !=, IN, NOT IN for experiment_id, found >"},
		{"experiment_id = 'x'", `filter: at 17: "x" is no experiment_id: expected a number, such as '12'`},
		{"metrics.a > 1e999", "filter: at 13: the number 1e999 is too large"},
		{"metrics.a > 3abc", "filter: at 13: expected a number, found 3a; write a text in quotes"},
		{"metrics.a > 3e", "filter: at 13: expected the digits of an exponent after 3e"},
		{"metrics.a > -", "filter: at 13: expected a number, found -"},
		{"tags.a = 'x'; drop", `filter: at 13: expected AND, OR or the end, found ";"`},
		{"tags.a = #5 and tags.b = 'c", `filter: at 10: expected a value, found "#"`},
		{"metrics.a ≥ 0.5", `filter: at 11: expected an operator (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL), found "≥"`},
		{"experiment_id = 1.5", "filter: at 17: expected a whole number, which experiment_id is, found 1.5"},
		{"@tags.a = 'x'", `filter: at 1: expected a name such as metrics.loss, params.depth or start_time, found "@"`},
		{"tags.a = '\x00'", "filter: at 11: a NUL or bytes that are not UTF-8"},
		{"tags.a = '\xff'", "filter: at 11: a NUL or bytes that are not UTF-8"},
		{deep, "filter: at 51: parentheses and NOT are nested deeper than 50"},
		{strings.Repeat("NOT ", 60) + "metrics.a > 1", "filter: at 201: parentheses and NOT are nested deeper than 50"},
		{strings.Repeat("metrics.a > 1 or ", MaxComparisons) + "metrics.b > 1", "filter: at 1701: more than 100 comparisons"},
		{"run_id in (" + strings.Repeat("'',", MaxListValues) + "'')", "filter: at 3012: more than 1000 values in a list"},
		{"tags.a LIKE '" + strings.Repeat("%a", MaxPatternBytes/2) + "b'", "filter: at 13: a pattern of 1001 bytes; at most 1000 are allowed"},
		{"run_name ILIKE '" + strings.Repeat("a", MaxPatternBytes) + "%'", "filter: at 16: a pattern of 1001 bytes; at most 1000 are allowed"},
		{strings.Repeat(" ", MaxFilterBytes+1), "filter: has 16385 bytes; at most 16384 are allowed"},
		{"\"metrics.a\" > 1", "filter: at 1: unknown attribute metrics.a; runs have"},
		{"tags.a = " + strings.Repeat("x", 90), "filter: at 10: expected a number or a text in quotes, found " + strings.Repeat("x", 40) + "…"},
	} {
		_, err := Parse(OfRuns, c.filter)
		require.Error(t, err, c.filter)
		require.Equal(t, errs.Invalid, errs.KindOf(err), c.filter)
		require.Contains(t, err.Error(), c.want, c.filter)
	}
}

func TestParseKnowsItsSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		subject      Subject
		filter, want string
	}{
		{OfExperiments, "metrics.a > 1", "unknown entity metrics; a filter of experiments knows attributes, tags"},
		{OfExperiments, "params.a = '1'", "unknown entity params"},
		{OfExperiments, "status = 'x'", "unknown attribute status; experiments have created_by, creation_time"},
		{OfLoggedModels, "max(metrics.a) > 1", "max() is for runs only"},
		{OfLoggedModels, "params.a > 1", "expected one of =, !=, LIKE, ILIKE, IN, NOT IN for params.a, found >"},
		{OfLoggedModels, "datasets.name = 'x'", "unknown entity datasets"},
	} {
		_, err := Parse(c.subject, c.filter)
		require.ErrorContains(t, err, c.want, c.filter)
	}
	for subject, filter := range map[Subject]string{
		OfExperiments:  "name ILIKE 'a%' and tags.team is not null and creation_time > 5 and experiment_id != '0'",
		OfLoggedModels: "name = 'a' and status = 'READY' and creation_time > 1 and metrics.acc > 1 and last(metrics.a) < 2",
	} {
		_, err := Parse(subject, filter)
		require.NoError(t, err, filter)
	}
}

func TestParseOrder(t *testing.T) {
	t.Parallel()
	terms, err := ParseOrder(OfRuns, []string{
		"metrics.acc DESC", "start_time", "params.`my lr` asc", "attribute.`run name` desc", "best(metrics.\"val loss\")", " tags.a ",
	})
	require.NoError(t, err)
	require.Equal(t, "metrics.`acc` DESC, attributes.`start_time` ASC, params.`my lr` ASC, attributes.`run_name` DESC, "+
		"best(metrics.`val loss`) ASC, tags.`a` ASC", orderText(terms))

	for _, c := range []struct {
		terms []string
		want  string
	}{
		{[]string{""}, "orderBy[0]: at 1: expected a name such as"},
		{[]string{"start_time", "metrics.a up"}, "orderBy[1]: at 11: expected ASC or DESC, found up"},
		{[]string{"metrics.a DESC x"}, "orderBy[0]: at 16: expected the end, found x"},
		{[]string{"metrics.a", "last(metrics.`a`) desc"}, "orderBy[1]: metrics.a stands in orderBy[0] already"},
		{[]string{"start_time", "created"}, "orderBy[1]: start_time stands in orderBy[0] already"},
		{[]string{"datasets.name"}, "orderBy[0]: at 1: a run has several datasets"},
		{make([]string, MaxOrderTerms+1), "orderBy: has 11 terms; at most 10 are allowed"},
		{[]string{strings.Repeat("x", MaxOrderBytes+1)}, "orderBy[0]: has 2049 bytes; at most 2048 are allowed"},
	} {
		_, err := ParseOrder(OfRuns, c.terms)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
}

// What a filter is written as parses to what it was, whatever its keys and texts hold.
func TestParseRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.RuneFrom([]rune("ab'\"`%_.,()学 \\-\t"))).Filter(func(s string) bool { return s != "" })
	rapid.Check(t, func(t *rapid.T) {
		e := randomFilter(t, filterGen{
			metrics: text, params: text, tags: text, texts: text, numbers: rapid.Float64Range(-1e308, 1e308),
		})
		written := e.String()
		if len(written) > MaxFilterBytes {
			t.Skip("longer than a filter may be")
		}
		again, err := Parse(OfRuns, written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if again.String() != written {
			t.Fatalf("%s became %s", written, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"metrics.acc > 0.9 and params.p1 = '3'", "NOT (tags.`a b` ilike \"%x\" or run_id in ('a', 'b'))",
		"best(metrics.loss) <= -1e-3", "params.学习率 is not null", "((((", "'", "metrics.", "a.b.c IN (1,", "\x00", "`a`.`", "1.e",
		"experiment_id in ('1', 2)", "experiment_id = '99999999999999999999'", "start_time > 99999999999999999999",
		"metrics.acc > 0.9 and (params.p1 = '3' or not params.p1 in (1, 2.5)) and status != 'FAILED'", "datasets.name like 'a%'",
		"max(metrics.`a b`) not in (1, -2e9) or last(metrics.\"x\") >= .5", "tags.a is null and attributes.end_time is not null",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		for subject := range subjects {
			e, err := Parse(subject, filter)
			if err != nil {
				require.Equal(t, errs.Invalid, errs.KindOf(err))
				continue
			}
			again, err := Parse(subject, e.String())
			if len(e.String()) > MaxFilterBytes {
				continue // the normal form may be longer than a filter may be
			}
			require.NoError(t, err, e.String())
			require.Equal(t, e.String(), again.String())
			for _, postgres := range []bool{false, true} {
				c := compiler{subject: subjects[subject], guide: store.Guide{Postgres: postgres}, goals: goals{}, row: anyRow}
				c.expr(e)
				require.Equal(t, len(c.args), strings.Count(c.String(), "?"))
			}
			_, err = ParseOrder(subject, []string{filter})
			require.Condition(t, func() bool { return err == nil || errs.Is(err, errs.Invalid) })
		}
	})
}
