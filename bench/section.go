//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// section is a part of the results that can be measured by itself.
type section struct {
	name, title string
	// about says what is measured, in a sentence or two.
	about string
	// databases it is measured on; all when nil.
	databases []string
	// sized: it is a load profile, run at several sizes. disk is what the largest may take.
	sized bool
	disk  int64
	// everywhere: its limits are of both databases, not of SQLite alone.
	everywhere bool
	run        func(ctx context.Context, b *bench) error
}

// sections are all that can be measured, in the order of the report.
func sections() []section {
	return []section{
		compareSection, writesSection, readsSection, searchSection, artifactsSection,
		stepProfile, batchProfile, wideProfile, longProfile, curvesProfile, besideProfile, fleetProfile, millionProfile, registryProfile,
	}
}

// lab is what all sections share.
type lab struct {
	options
	// directory is removed at the end.
	directory string
	machine   machine
}

// bench is one measurement: a section, on a database, at a size.
type bench struct {
	*lab
	section  section
	database *database
	size     size
	take     take
}

// measure takes a section's measurement on an empty database, which is removed afterwards.
func (l *lab) measure(ctx context.Context, s section, kind string, at size) (t take, err error) {
	if free, err := freeSpace(l.directory); err != nil {
		return take{}, err
	} else if need := int64(float64(s.disk) * at.share); free < need {
		return take{}, fmt.Errorf("%s at %s needs %d GB of disk, and %s has %d", s.name, at.text, need/1e9, l.directory, free/1e9)
	}
	began := time.Now()
	b := &bench{lab: l, section: s, size: at, take: take{
		Date: began.UTC().Format(time.DateOnly), Machine: l.machine, Commit: l.machine.revision,
		Calibration: []float64{milliseconds(calibrate())},
	}}
	if s.sized {
		b.take.Size = at.text
	}
	if b.database, err = openDatabase(ctx, kind, l.directory); err != nil {
		return take{}, err
	}
	defer func() { err = errors.Join(err, b.database.close()) }()
	if err := s.run(ctx, b); err != nil {
		return take{}, err
	}
	b.take.Calibration = append(b.take.Calibration, milliseconds(calibrate()))
	b.take.Seconds = time.Since(began).Seconds()
	return b.take, nil
}

// figure notes a figure.
func (b *bench) figure(name string, value float64, unit string, grows growth) {
	progress("%s: %.4g %s", name, value, unit)
	b.take.Figures = append(b.take.Figures, figure{name, value, unit, grows})
}

// judge notes a limit of SQLite, or of both databases where the section says so. Those of a profile are judged at its
// largest size alone.
func (b *bench) judge(l limit) {
	if b.database.kind == onSQLite || b.section.everywhere {
		b.judgeEverywhere(l)
	}
}

// judgeEverywhere notes a limit of both databases.
func (b *bench) judgeEverywhere(l limit) {
	if !b.section.sized || b.size.share == 1 {
		b.judgeAnySize(l)
	}
}

// judgeAnySize notes a limit of both databases that is judged at all sizes.
func (b *bench) judgeAnySize(l limit) {
	if b.section.sized {
		l.Name = b.section.name + ": " + l.Name
	}
	if !slices.Contains(b.take.Limits, l) {
		b.take.Limits = append(b.take.Limits, l)
	}
}

// latency measures a request on some connections and notes its p50 and p99. With a bound, its p50 is judged. What fails is
// noted as a limit that is missed, and the section goes on.
func (b *bench) latency(ctx context.Context, s *server, name string, requests []request, bound float64) sample {
	var all sample
	for range b.rounds {
		got, err := drive(ctx, s.addr, b.roots(s), load{requests: requests, duration: b.duration})
		if err != nil {
			b.failed(name, bound, err)
			return sample{}
		}
		all.operations += got.operations
		all.elapsed += got.elapsed
		all.cpu += got.cpu
		all.latencies = append(all.latencies, got.latencies...)
	}
	b.figure(name+", p50", all.percentile(50), "ms", total)
	b.figure(name+", p99", all.percentile(99), "ms", "")
	if bound > 0 {
		b.judge(atMost(name+", p50", all.percentile(50), bound, " ms").onFastMachines())
	}
	return all
}

// failed notes what could not be measured, with the bound that it had, or 0.
func (b *bench) failed(name string, bound float64, err error) {
	progress("%s: %v", name, err)
	text, _, _ := strings.Cut(err.Error(), "\n")
	text = fmt.Sprintf("%.160s", strings.ReplaceAll(text, "|", "/"))
	if b.database.kind != onSQLite && !b.section.everywhere {
		bound = 0
	}
	l := atMost(name, 0, bound, " ms")
	l.Failed = text
	b.judgeAnySize(l)
}

// serve starts Cairn on the measurement's database.
func (b *bench) serve(ctx context.Context) (*server, error) {
	return cairnOn(b.cairn, b.database.url()).start(ctx, filepath.Join(b.database.directory, "server"))
}

// roots are the processes that do a server's work, the database's among them.
func (b *bench) roots(s *server) []int { return append([]int{s.pid()}, b.database.pids()...) }

// memory notes the memory of a server and its database.
func (b *bench) memory(s *server) error {
	most, err := peakMemory(s.pid())
	if err != nil {
		return err
	}
	b.figure("memory of the server, at most", float64(most)/(1<<20), "MiB", "")
	for _, pid := range b.database.pids() {
		used, err := usageOf(pid)
		if err != nil {
			return err
		}
		b.figure("memory of PostgreSQL", float64(used.pss)/(1<<20), "MiB", "")
	}
	return nil
}

// seeded is what a profile's seed stored, as its own process says.
type seeded struct {
	Runs   int `json:"runs"`
	Series int `json:"series"`
	Params int `json:"params"`
	Tags   int `json:"tags"`
	Points int `json:"points"`
	// Models and Versions are those of the registry.
	Models   int `json:"models,omitempty"`
	Versions int `json:"versions,omitempty"`
	// Matches is how many runs or versions a profile's search finds.
	Matches int `json:"matches,omitempty"`
	// RunID is one of the runs.
	RunID string `json:"run_id,omitempty"`
}

const (
	// seedTime and seedDisk bound what it takes to seed the largest size.
	seedTime = 20 * time.Minute
	seedDisk = 20e9
)

// seed fills the database through the engine's bulk path, and notes what that cost for each of unit, of which count gives
// the number.
func (b *bench) seed(ctx context.Context, unit string, count func(seeded) int) (seeded, error) {
	var out seeded
	spent, err := b.child(ctx, &out, seedCommand, b.section.name, b.size.text, b.database.url())
	if err != nil {
		return seeded{}, err
	}
	n := float64(count(out))
	b.figure("seeding", spent.elapsed.Seconds(), "s", total)
	b.figure("seeding: "+unit+" a second", n/spent.elapsed.Seconds(), "", "")
	b.figure("seeding: CPU for 1,000 "+unit, spent.cpu.Seconds()/n*1e6, "ms", perUnit)
	b.figure("seeding: memory, at most", float64(spent.memory)/(1<<20), "MiB", "")
	b.figure("seeding: disk, at most", float64(spent.disk)/1e9, "GB", "")
	b.judgeEverywhere(atMost("seeding", spent.elapsed.Minutes(), seedTime.Minutes(), " min").onFastMachines())
	b.judgeEverywhere(atMost("seeding: disk, at most", float64(spent.disk)/1e9, seedDisk/1e9, " GB"))
	return out, nil
}

// compact folds all batches into chunks, while no server uses the database, and notes what that cost.
func (b *bench) compact(ctx context.Context, points int) error {
	spent, err := b.child(ctx, nil, compactCommand, b.database.url())
	if err != nil {
		return err
	}
	b.figure("compacting", spent.elapsed.Seconds(), "s", total)
	b.figure("compacting: CPU for a million points", spent.cpu.Seconds()/float64(points)*1e6, "s", perUnit)
	b.figure("compacting: memory, at most", float64(spent.memory)/(1<<20), "MiB", "")
	return nil
}

// spent is what a child process cost, and the database with it.
type spent struct {
	elapsed, cpu time.Duration
	// memory is the child's, in bytes, disk what was taken at most.
	memory, disk int64
}

// report is what a child prints: what it did, and the memory that it had at most.
type report struct {
	Done   any   `json:"done"`
	Memory int64 `json:"memory"`
}

// printReport prints what a child did.
func printReport(done any) error {
	most, err := peakMemory(os.Getpid())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{done, most})
}

// child runs this program with other arguments, so that what it costs can be told from the rest, and decodes what it did.
func (b *bench) child(ctx context.Context, done any, args ...string) (spent, error) {
	self, err := os.Executable()
	if err != nil {
		return spent{}, err
	}
	taken, err := watchSpace(b.directory)
	if err != nil {
		return spent{}, err
	}
	before, err := cpuOfAll(b.database.pids())
	if err != nil {
		return spent{}, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	// What an index is sorted in is removed with the database, however this ends.
	cmd.Env = append(environment(), "SQLITE_TMPDIR="+b.database.directory)
	began := time.Now()
	text, err := cmd.Output()
	out := spent{elapsed: time.Since(began), disk: taken()}
	if err != nil {
		return spent{}, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	after, err := cpuOfAll(b.database.pids())
	if err != nil {
		return spent{}, err
	}
	out.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + after - before
	answer := report{Done: done}
	if err := json.Unmarshal(text, &answer); err != nil {
		return spent{}, fmt.Errorf("%s: %w", args[0], err)
	}
	out.memory = answer.Memory
	return out, nil
}

// chosen gives the sections that were asked for, in their order.
func (o options) chosen() ([]section, error) {
	all := sections()
	var unknown, profiles []string
	for _, s := range all {
		if s.sized {
			profiles = append(profiles, s.name)
		}
	}
	for _, name := range o.profiles {
		if !slices.Contains(profiles, name) {
			return nil, fmt.Errorf("no profile %q; there are: %s", name, strings.Join(profiles, ", "))
		}
	}
	wanted := append(slices.Clone(o.sections), o.profiles...)
	if len(wanted) == 0 {
		return all, nil
	}
	var out []section
	for _, s := range all {
		if slices.Contains(wanted, s.name) {
			out = append(out, s)
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(all, func(s section) bool { return s.name == name }) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		var names []string
		for _, s := range all {
			names = append(names, s.name)
		}
		return nil, fmt.Errorf("no section %s; there are: %s", strings.Join(unknown, ", "), strings.Join(names, ", "))
	}
	return out, nil
}
