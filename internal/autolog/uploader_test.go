package autolog

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/client"
)

// uploadFixture is a spool with an uploader to a fake server, which can be stopped and opened again.
type uploadFixture struct {
	t        *testing.T
	dir      string
	server   *fakeServer
	uploader *uploader
	refused  []op
	stop     func()
}

const testRun = "0123456789abcdef0123456789abcdef"

func newUploadFixture(t *testing.T) *uploadFixture {
	t.Helper()
	f := &uploadFixture{t: t, dir: t.TempDir(), server: newFakeServer(t)}
	f.open()
	f.append(op{Kind: opCreateRun, Run: testRun, Experiment: "E"})
	return f
}

func (f *uploadFixture) open() {
	j, d, err := openSpool(f.dir, 1<<30)
	require.NoError(f.t, err)
	api, err := client.New(client.Config{Server: f.server.URL})
	require.NoError(f.t, err)
	f.uploader = newUploader(j, d, &deliverer{client: api, blobs: f.dir + "/" + blobsDir, sender: "a", output: "o",
		experiments: map[string]string{}}, slog.New(slog.DiscardHandler))
	f.uploader.refused = func(o op, _ error) { f.refused = append(f.refused, o) }
	f.stop = sync.OnceFunc(func() {
		require.NoError(f.t, j.close())
		require.NoError(f.t, d.close())
	})
	f.t.Cleanup(f.stop)
}

func (f *uploadFixture) append(ops ...op) {
	payload, err := entry{Ops: &opsEntry{Ops: ops}}.encode()
	require.NoError(f.t, err)
	_, err = f.uploader.journal.append(payload, 0)
	require.NoError(f.t, err)
}

// drain runs the uploader until everything is delivered or it gives up.
func (f *uploadFixture) drain(tries int) error {
	ctx, cancel := context.WithCancel(f.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.uploader.run(ctx) }()
	err := f.uploader.drain(f.t.Context(), tries)
	cancel()
	require.NoError(f.t, <-ended)
	return err
}

func points(n, from int) []op {
	ops := make([]op, n)
	for i := range ops {
		ops[i] = op{Kind: opMetric, Run: testRun, Key: "loss", Number: 1, Step: json.Number(strconv.Itoa(from + i)), TimeMS: 1}
	}
	return ops
}

func TestUploaderPutsPointsTogether(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	for i := range 2500 {
		f.append(points(1, i)...)
	}
	require.NoError(t, f.drain(1))
	require.Len(t, f.server.runs[testRun].points["loss"], 2500)
	require.Equal(t, 3, f.server.requests["LogBatch"], "at most 1,000 points a request")
}

func TestUploaderSurvivesLostAnswers(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	f.append(points(10, 0)...)
	f.append(op{Kind: opLog, Run: testRun, Stream: "STDOUT", Text: "a\n"}, op{Kind: opLog, Run: testRun, Stream: "STDOUT", Text: "b\n"})
	seen := map[string]int{}
	f.server.failWith(func(operation string, _ json.RawMessage) *fakeFailure {
		seen[operation]++
		if seen[operation]%2 == 1 {
			return &fakeFailure{status: 503, code: "UNAVAILABLE", stored: true}
		}
		return nil
	})
	require.NoError(t, f.drain(1000))
	run := f.server.runs[testRun]
	require.Len(t, run.points["loss"], 10)
	require.Equal(t, "a\nb\n", run.log["STDOUT"])
	require.Equal(t, 3, f.server.repeated)
}

func TestUploaderRepeatsTheSameBatchAfterACrash(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	f.append(points(10, 0)...)
	f.server.failWith(func(operation string, _ json.RawMessage) *fakeFailure {
		if operation == "LogBatch" {
			return &fakeFailure{status: 503, code: "UNAVAILABLE", stored: true}
		}
		return nil
	})
	require.Error(t, f.drain(1))
	f.stop()
	f.server.failWith(nil)
	// More comes before the batch whose answer was lost is sent again: it must not join it.
	f.open()
	f.append(points(5, 10)...)
	require.NoError(t, f.drain(1))
	require.Len(t, f.server.runs[testRun].points["loss"], 15)
	require.Positive(t, f.server.repeated)
}

func TestUploaderLeavesOutWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	f.append(points(40, 0)...)
	f.append(op{Kind: opParam, Run: testRun, Key: "bad", Value: "spoiled"})
	f.append(points(40, 40)...)
	f.append(op{Kind: opArtifact, Run: testRun, Path: "gone.txt", Blob: "not-there"})
	f.append(op{Kind: opTag, Run: strings.Repeat("f", 32), Key: "k", Value: "of a run that is not there"})
	f.append(op{Kind: "kind of the future", Run: testRun})
	f.append(op{Kind: opFinishRun, Run: testRun, Status: statusFinished})
	require.NoError(t, f.drain(1))
	require.Len(t, f.server.runs[testRun].points["loss"], 80, "its neighbours are stored, once")
	require.EqualValues(t, "FINISHED", f.server.runs[testRun].status)
	require.Len(t, f.refused, 4)
	require.Equal(t, "bad", f.refused[0].Key)
	require.Equal(t, 4, f.uploader.delivery.rejected)
	f.stop()
	f.open()
	require.Equal(t, 4, f.uploader.delivery.rejected)
	requests := f.server.requests["LogBatch"]
	require.NoError(t, f.drain(1))
	require.Equal(t, requests, f.server.requests["LogBatch"], "nothing is sent again")
}

func TestABatchHasOneValueOfATag(t *testing.T) {
	t.Parallel()
	tag := func(value string, keep bool) client.TagInput {
		return client.TagInput{Key: "k", Value: value, KeepExisting: keep}
	}
	for _, test := range []struct {
		name string
		tags []client.TagInput
		want client.TagInput
	}{
		{"the last of the user's", []client.TagInput{tag("a", false), tag("b", false)}, tag("b", false)},
		{"the last of an adapter's", []client.TagInput{tag("a", true), tag("b", true)}, tag("b", true)},
		{"the user's before an adapter's", []client.TagInput{tag("mine", false), tag("b", true)}, tag("mine", false)},
		{"the user's after an adapter's", []client.TagInput{tag("a", true), tag("mine", false)}, tag("mine", false)},
	} {
		require.Equal(t, []client.TagInput{test.want}, lastOfEach(test.tags), test.name)
	}
}

func TestUploaderKeepsWhatItMayNotDeliver(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	for _, code := range []string{"UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "INTERNAL"} {
		f.server.failWith(func(string, json.RawMessage) *fakeFailure { return &fakeFailure{status: 200, code: code} })
		require.ErrorContains(t, f.drain(2), "says the test", code)
	}
	pending, err := f.uploader.pending(f.uploader.delivery.at, 1<<60, 100)
	require.NoError(t, err)
	require.Equal(t, 1, pending)
	f.server.failWith(nil)
	require.NoError(t, f.drain(1))
	require.Empty(t, f.refused)
}

func TestUploaderGoesOnWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	f.append(points(10, 0)...)
	require.NoError(t, f.drain(1))
	limit := f.uploader.delivery.journal.limit
	f.uploader.delivery.journal.limit = 0
	f.append(points(10, 10)...)
	f.append(op{Kind: opLog, Run: testRun, Stream: "STDOUT", Text: "a\n"})
	require.NoError(t, f.drain(1))
	require.Equal(t, 2, f.server.unnumbered, "a sequence that is not written down might be given twice")
	f.uploader.delivery.journal.limit = limit
	f.append(points(10, 20)...)
	require.NoError(t, f.drain(1))
	require.Len(t, f.server.runs[testRun].points["loss"], 30)
	require.Equal(t, 2, f.server.unnumbered)
	f.stop()
	f.open()
	require.True(t, f.uploader.delivered(f.uploader.delivery.at, f.uploader.journalEnd()), "what was known in memory alone was written when there was room")
	f.append(points(10, 30)...)
	require.NoError(t, f.drain(1))
	require.Len(t, f.server.runs[testRun].points["loss"], 40)
	require.Zero(t, f.server.repeated)
}

func TestDeliveryIsWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := openDelivery(dir)
	require.NoError(t, err)
	for i := range 10 {
		p, err := d.begin(testRun, cursor{Position: int64(i + 1)}, i%2 == 1)
		require.NoError(t, err)
		require.EqualValues(t, i/2+1, p.Sequence)
		require.NoError(t, d.done(p.To, 0))
	}
	before := d.journal.bytes()
	require.NoError(t, d.compact())
	require.Less(t, d.journal.bytes(), before)
	require.NoError(t, d.close())
	d, err = openDelivery(dir)
	require.NoError(t, err)
	require.Equal(t, cursor{Position: 10}, d.at)
	require.EqualValues(t, 5, d.batches[testRun])
	require.EqualValues(t, 5, d.logs[testRun])
	require.NoError(t, d.close())
}

func TestRecorderCutsBetweenLines(t *testing.T) {
	t.Parallel()
	var got []string
	r := &recorder{stream: "stdout", mask: newMasker([]string{"API_TOKEN=hunter2-long"}, nil), emit: func(m message) { got = append(got, m.Text) }}
	write := func(s string) { _, _ = r.Write([]byte(s)) }
	write("a line\nhalf a hunter2-")
	r.tick(false)
	write("long line\n")
	r.tick(false)
	require.Equal(t, []string{"a line\n", "half a *** line\n"}, got)
	got = nil
	write("progress é\xc3")
	r.tick(false)
	require.Empty(t, got, "the start of a line waits for the rest")
	r.tick(false)
	require.Equal(t, []string{"progress é"}, got, "but not for long, and not for half a character")
	write("\xa9\n")
	r.tick(true)
	require.Equal(t, "é\n", got[1])
	got = nil
	write(strings.Repeat("x", 3*maxChunk))
	r.tick(true)
	require.Equal(t, strings.Repeat("x", 3*maxChunk), strings.Join(got, ""))
	require.GreaterOrEqual(t, len(got), 3)
	got = nil
	write(strings.Repeat("\x80", 2*maxChunk))
	r.tick(true)
	require.Equal(t, strings.Repeat("\uFFFD", 1), strings.Join(got, "")[:3], "what is no text does not stop it")
}

func TestVersionRanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, specifier string
		inside             bool
	}{
		{"1.9.1", ">=1.4,<2", true}, {"2.0", ">=1.4,<2", false}, {"1.3.9", ">=1.4", false}, {"1.4.0rc1", ">=1.4", true},
		{"1.4.5", "~=1.4.2", true}, {"1.5.0", "~=1.4.2", false}, {"1.4.5", "==1.4.*", true}, {"1.4.5", "!=1.4.5", false},
		{"1.4.5", ">1.4.5", false}, {"1.4.5", "<=1.4.5", true}, {"unknown", ">=1", true}, {"1.0", "", true}, {"1.0", "nonsense", true},
	} {
		require.Equal(t, test.inside, inRange(test.version, test.specifier), "%s in %q", test.version, test.specifier)
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	require.Equal(t, `python 'a b' 'it'\''s' '' --x=1`, shellQuote([]string{"python", "a b", "it's", "", "--x=1"}))
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m message
		if err := readMessage(strings.NewReader(string(data)), &m); err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

func TestWaitForGivesUp(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	group.Add(1)
	require.False(t, waitFor(t.Context(), time.Millisecond, &group))
	group.Done()
	require.True(t, waitFor(t.Context(), time.Minute, &group))
}
