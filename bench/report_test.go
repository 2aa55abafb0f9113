//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	values := []float64{9, 1, 5}
	require.InDelta(t, 5, median(values), 0)
	require.Equal(t, []float64{9, 1, 5}, values)
	require.InDelta(t, 3, median([]float64{1, 5}), 0)
	require.InDelta(t, 0, median(nil), 0)
}

// TestBodies checks that every body is JSON, is the same whenever it is made, and
// that no point is sent twice.
func TestBodies(t *testing.T) {
	t.Parallel()
	const runID = "0123456789abcdef0123456789abcdef"
	curved := workload{name: "curves", points: 100, newBody: curveBatches(5, 20, 2)}
	for _, w := range append(append(workloads(), writes()...), curved) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			one, other := w.newBody(runID), w.newBody(runID)
			seen := map[point]bool{}
			for n := range 5 {
				body := one(n)
				require.JSONEq(t, string(body), string(other(n)))
				points := bodyPoints(t, body)
				require.Len(t, points, w.points)
				for _, p := range points {
					require.NotEmpty(t, p.Key)
					require.False(t, seen[p], "%+v twice", p)
					seen[p] = true
				}
			}
		})
	}
}

// bodyPoints are the points of a body, of log-metric, log-batch or GraphQL's logBatch.
func bodyPoints(t *testing.T, body []byte) []point {
	t.Helper()
	var decoded struct {
		point
		Metrics   []point `json:"metrics"`
		Variables struct {
			Input struct {
				Columns []struct {
					Key                  string
					Steps, Times, Values []byte
				} `json:"columns"`
			} `json:"input"`
		} `json:"variables"`
	}
	require.NoError(t, json.Unmarshal(body, &decoded))
	points := decoded.Metrics
	if decoded.Key != "" {
		points = []point{decoded.point}
	}
	for _, c := range decoded.Variables.Input.Columns {
		for at := 0; at < len(c.Values); at += 8 {
			p := point{Key: c.Key}
			for into, from := range map[any][]byte{&p.Step: c.Steps, &p.Timestamp: c.Times, &p.Value: c.Values} {
				_, err := binary.Decode(from[at:], binary.LittleEndian, into)
				require.NoError(t, err)
			}
			points = append(points, p)
		}
	}
	return points
}

// madeUp are results in which Cairn is so many times as fast as the faster MLflow.
func madeUp(times float64, calibration time.Duration) *take {
	r := newResults(subjects("cairn", "python"))
	for _, name := range r.names {
		r.starts[name] = []time.Duration{100 * time.Millisecond}
		r.idle[name] = usage{processes: 1, pss: 30 << 20}
	}
	for _, w := range workloads() {
		r.samples[w.name] = map[string][]sample{
			"Cairn":            {{operations: int(1000 * times), elapsed: time.Second, cpu: time.Second}},
			"MLflow":           {{operations: 500, elapsed: time.Second, cpu: time.Second}},
			"MLflow, 1 worker": {{operations: 1000, elapsed: time.Second, cpu: time.Second}},
		}
	}
	r.short = map[string][]trainingSample{"plain": {{wall: time.Second}}, "cairn exec": {{wall: 1400 * time.Millisecond}}}
	r.warm = map[string][]trainingSample{"plain": {{fit: 50 * time.Millisecond}}, "cairn exec": {{fit: 60 * time.Millisecond}}}
	return &take{Calibration: []float64{milliseconds(calibration)}, Limits: r.limits(), Grids: r.grids()}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	missed := func(t *take) []string { return t.missed(t.Limits) }
	require.Empty(t, missed(madeUp(31, referenceCalibration)))
	require.Len(t, missed(madeUp(20, referenceCalibration)), 2) // both of log-batch
	require.Len(t, missed(madeUp(9, referenceCalibration)), 4)
}

func TestAbsoluteLimitsCountOnAFastMachineOnly(t *testing.T) {
	t.Parallel()
	slow := madeUp(31, referenceCalibration)
	slow.Limits[0].Value = 1000
	require.Len(t, slow.missed(slow.Limits), 1)
	slow.Calibration = append(slow.Calibration, milliseconds(2*referenceCalibration))
	require.Empty(t, slow.missed(slow.Limits))
	report := record{Section: "mlflow", Database: onSQLite, Takes: []take{*slow}}.markdown()
	require.Contains(t, report, "on too slow a machine to count")
}

func TestWhatCouldNotBeMeasuredIsMissed(t *testing.T) {
	t.Parallel()
	b := bench{section: millionProfile, size: size{"1/16", 1.0 / 16}, database: &database{kind: onPostgres}}
	b.failed("count", 300, errors.New("status 500: broken\nand more"))
	require.Equal(t, []string{"million: count: none: status 500: broken, must be ≤ 300 ms"}, b.take.missed(b.take.Limits))
}

func TestLimitsOfTheLargestSizeAreJudgedThereAlone(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]int{1: 1, 0.25: 0} {
		b := bench{section: longProfile, size: size{"", share}, database: &database{kind: onSQLite}}
		b.judge(atMost("x", 2, 1, ""))
		require.Len(t, b.take.missed(b.take.Limits), want)
		// It is a limit of SQLite, and not of PostgreSQL.
		b = bench{section: longProfile, size: size{"", share}, database: &database{kind: onPostgres}}
		b.judge(atMost("x", 2, 1, ""))
		require.Empty(t, b.take.Limits)
	}
}

func TestCostIsJudgedOverSizes(t *testing.T) {
	t.Parallel()
	at := func(size string, perUnitCost, totalCost float64) take {
		return take{Size: size, Figures: []figure{{"a run", perUnitCost, "ms", perUnit}, {"all", totalCost, "ms", total}, {"free", totalCost, "", ""}}}
	}
	r := record{Section: "long", Takes: []take{at("1/16", 10, 10)}}
	require.Empty(t, r.overSizes().Limits)
	r.put(at("1", 11, 170))
	grown := r.overSizes().Limits
	require.Len(t, grown, 2)
	require.Empty(t, r.Takes[1].missed(grown))
	r.put(at("1", 14, 210))
	require.Len(t, r.Takes, 2)
	all := r.overSizes()
	require.Len(t, all.missed(all.Limits), 2)
	r.Takes[0].Calibration = []float64{milliseconds(2 * referenceCalibration)}
	all = r.overSizes()
	require.Empty(t, all.missed(all.Limits), "one of the sizes was measured on too slow a machine")
}

// TestPartialRunReplacesOnlyItsSizes puts a size among others, whichever came first.
func TestPartialRunReplacesOnlyItsSizes(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, commit := range []string{"old", "new"} {
		for _, at := range []string{"1", "1/16", "1/4"} {
			if commit == "new" && at != "1/4" {
				continue
			}
			r, err := loadRecord(directory, "long", onSQLite)
			require.NoError(t, err)
			r.put(take{Size: at, Commit: commit})
			require.NoError(t, r.save(directory))
		}
	}
	r, err := loadRecord(directory, "long", onSQLite)
	require.NoError(t, err)
	var found []string
	for _, k := range r.Takes {
		found = append(found, k.Size+" "+k.Commit)
	}
	require.Equal(t, []string{"1/16 old", "1/4 new", "1 old"}, found)
	require.NoError(t, os.WriteFile(recordFile(directory, "long", onSQLite), []byte("{"), 0o600))
	_, err = loadRecord(directory, "long", onSQLite)
	require.ErrorContains(t, err, "long-sqlite.json")
}

func TestReportNamesEveryMeasurement(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "results")
	compared := record{Section: "mlflow", Database: onSQLite}
	compared.put(*madeUp(31, referenceCalibration))
	require.NoError(t, compared.save(directory))
	for _, kind := range databases {
		long := record{Section: "long", Database: kind}
		long.put(take{Size: "1/16", Date: "2026-01-02", Commit: "abc", Figures: []figure{{"points", 12345.6, "ms", ""}}})
		require.NoError(t, long.save(directory))
	}
	require.NoError(t, writeReport(directory))
	text, err := os.ReadFile(filepath.Join(filepath.Dir(directory), "RESULTS.md"))
	require.NoError(t, err)
	for _, w := range workloads() {
		require.Contains(t, string(text), "| "+w.name+" |")
	}
	for _, want := range []string{"| met |", "31.0×", "|  | SQLite, 1/16 | PostgreSQL, 1/16 |", "| points | 12,346 ms | 12,346 ms |",
		"measured on 2026-01-02 at abc", "## Others, quoted"} {
		require.Contains(t, string(text), want)
	}
}

// TestProfilesStandInOneTable renders results of three sizes on two databases, the last of which is not complete.
func TestProfilesStandInOneTable(t *testing.T) {
	t.Parallel()
	var records []record
	for _, kind := range databases {
		r := record{Section: "long", Database: kind}
		for i, z := range sizes {
			r.put(take{Size: z.text, Figures: []figure{
				{"a chart, p50", float64(i + 1), "ms", total}, {"CPU for a point", 10 * float64(i+1), "ms", perUnit}, {"points a second", 5, "", ""},
			}})
			if kind == onPostgres {
				break
			}
		}
		records = append(records, r)
	}
	text := reportOf(records)
	for _, want := range []string{
		"| profile: cost | on | 1/16 | 1/4 | 1 | grows by | must be | verdict |\n",
		"| long: a chart, p50 | SQLite | 1.00 ms | 2.00 ms | 3.00 ms | 3× | ≤ 20× | met |\n",
		"| long: CPU for a point | SQLite | 10.00 ms | 20.00 ms | 30.00 ms | 3× | ≤ 1.25× | **missed** |\n",
		"| long: a chart, p50 | PostgreSQL | 1.00 ms |  |  |  |  |  |\n",
		"|  | SQLite, 1/16 | SQLite, 1/4 | SQLite, 1 | PostgreSQL, 1/16 |\n",
		"| points a second | 5.00 | 5.00 | 5.00 | 5.00 |\n",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "## Limits", "what grows stands in the table of sizes alone")
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1": 1600, "1/16": 100, "1/4": 400, "3/4": 1200, "1/100000": 1} {
		s, err := parseSize(text)
		require.NoError(t, err)
		require.Equal(t, want, s.of(1600), text)
	}
	for _, bad := range []string{"", "0", "2", "1/0", "2/1", "-1", "1/x", "x"} {
		_, err := parseSize(bad)
		require.Error(t, err, bad)
	}
}

func TestChosen(t *testing.T) {
	t.Parallel()
	names := func(o options) (out []string) {
		found, err := o.chosen()
		require.NoError(t, err)
		for _, s := range found {
			out = append(out, s.name)
		}
		return out
	}
	require.Len(t, names(options{}), len(sections()))
	require.Equal(t, []string{"writes", "long"}, names(options{sections: []string{"writes"}, profiles: []string{"long"}}))
	_, err := options{profiles: []string{"writes"}}.chosen()
	require.ErrorContains(t, err, `no profile "writes"; there are: step, batch`)
	_, err = options{sections: []string{"all"}}.chosen()
	require.ErrorContains(t, err, "no section all; there are: mlflow")
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0.1234: "0.123", 1.234: "1.23", 123.4: "123", 1234: "1,234", 1234567: "1,234,567", -1234: "-1,234"} {
		require.Equal(t, want, digits(value))
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var s sample
	for i := range 100 {
		s.latencies = append(s.latencies, time.Duration(100-i)*time.Millisecond)
	}
	require.InDelta(t, 51, s.percentile(50), 0)
	require.InDelta(t, 100, s.percentile(99), 0)
	require.InDelta(t, 100, s.percentile(100), 0)
	require.Zero(t, sample{}.percentile(50))
}
