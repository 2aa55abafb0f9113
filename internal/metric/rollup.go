package metric

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sort"
	"sync"
)

// Variables for tests alone, as in fold.go.
var (
	// rollupBuckets bounds the buckets of a roll-up. When there are more, neighbours are joined.
	rollupBuckets = 2048
	// rollupSize is the least size of a roll-up's buckets: what needs finer ones is computed from the points.
	rollupSize = int64(32)
	// rollupFrom is the number of points from which on a series has a roll-up.
	rollupFrom = 1024
)

// bucket summarizes points that are neighbours by step and time.
type bucket struct {
	count, nanCount     int64
	firstStep, lastStep int64
	firstTime, lastTime int64
	first, last         float64
	min, max            float64 // NaN when all are
	sum                 float64 // of what is not NaN
}

func pointBucket(step, time int64, v float64) bucket {
	b := bucket{count: 1, firstStep: step, lastStep: step, firstTime: time, lastTime: time, first: v, last: v, min: v, max: v, sum: v}
	if math.IsNaN(v) {
		b.nanCount, b.sum = 1, 0
	}
	return b
}

func (b *bucket) fromFirst(step, time int64) int {
	return cmp.Or(cmp.Compare(step, b.firstStep), cmp.Compare(time, b.firstTime))
}

func (b *bucket) fromLast(step, time int64) int {
	return cmp.Or(cmp.Compare(step, b.lastStep), cmp.Compare(time, b.lastTime))
}

// add accounts for one more point, wherever it lies. Of points with one step and time, the one that came last is last.
func (b *bucket) add(step, time int64, v float64) {
	if b.fromFirst(step, time) < 0 {
		b.firstStep, b.firstTime, b.first = step, time, v
	}
	if b.fromLast(step, time) >= 0 {
		b.lastStep, b.lastTime, b.last = step, time, v
	}
	b.count++
	if math.IsNaN(v) {
		b.nanCount++
		return
	}
	b.sum += v
	b.spread(v, v)
}

// spread widens the bucket to take least and greatest in.
func (b *bucket) spread(least, greatest float64) {
	if least < b.min || math.IsNaN(b.min) {
		b.min = least
	}
	if greatest > b.max || math.IsNaN(b.max) {
		b.max = greatest
	}
}

// follow joins the bucket that lies behind b.
func (b *bucket) follow(next bucket) {
	b.count += next.count
	b.nanCount += next.nanCount
	b.sum += next.sum
	b.lastStep, b.lastTime, b.last = next.lastStep, next.lastTime, next.last
	b.spread(next.min, next.max)
}

// mean ignores NaN; it is NaN when all are.
func (b *bucket) mean() float64 { return b.sum / float64(b.count-b.nanCount) }

// rollup is a series in buckets of a power of two points each, in the order of steps and times. While points come in that
// order, full buckets stay as they are, and the roll-up is the same as one made of all points at once. Others are added to
// the bucket in which they lie, which then has more: no point, and no extreme, is ever lost.
type rollup struct {
	scale int8 // of the steps
	size  int64
	// inOrder: each point came behind all before it by step and time; byTime: by time alone.
	inOrder, byTime bool
	count           int64
	buckets         []bucket
}

func newRollup(size int64) *rollup { return &rollup{size: size, inOrder: true, byTime: true} }

// rollUp makes a roll-up of points in the order in which they came.
func rollUp(c *Columns, size int64) *rollup {
	r := newRollup(size)
	r.scale = c.StepScale
	r.addAll(c)
	return r
}

// rescale gives the steps another, larger scale.
func (r *rollup) rescale(scale int8) error {
	for i := range r.buckets {
		b := &r.buckets[i]
		for _, step := range []*int64{&b.firstStep, &b.lastStep} {
			units, err := Step{Units: *step, Scale: r.scale}.Rescale(scale)
			if err != nil {
				return err
			}
			*step = units
		}
	}
	r.scale = scale
	return nil
}

// addColumns adds points whose scale may be another.
func (r *rollup) addColumns(c Columns) error {
	if c.StepScale > r.scale {
		if err := r.rescale(c.StepScale); err != nil {
			return err
		}
	}
	if c.StepScale < r.scale {
		if err := c.rescale(r.scale); err != nil {
			return err
		}
	}
	r.addAll(&c)
	return nil
}

func (r *rollup) addAll(c *Columns) {
	for i, v := range c.Values {
		r.add(c.Steps[i], c.Times[i], v)
	}
}

func (r *rollup) add(step, time int64, v float64) {
	r.count++
	n := len(r.buckets)
	if n == 0 {
		r.buckets = append(r.buckets, pointBucket(step, time, v))
		return
	}
	last := &r.buckets[n-1]
	if time < last.lastTime {
		r.byTime = false
	}
	if last.fromLast(step, time) >= 0 {
		if last.count < r.size {
			last.add(step, time, v)
			return
		}
		r.buckets = append(r.buckets, pointBucket(step, time, v))
	} else {
		r.inOrder = false
		// The last bucket that begins at the point or before it.
		at := sort.Search(n, func(i int) bool { return r.buckets[i].fromFirst(step, time) < 0 }) - 1
		switch {
		case at >= 0:
			r.buckets[at].add(step, time, v)
		case r.buckets[0].count < r.size:
			r.buckets[0].add(step, time, v)
		default:
			r.buckets = slices.Insert(r.buckets, 0, pointBucket(step, time, v))
		}
	}
	if len(r.buckets) > rollupBuckets {
		r.halve()
	}
}

// halve joins each two neighbours.
func (r *rollup) halve() {
	r.buckets = joinPairs(r.buckets)
	r.size *= 2
}

// joinPairs joins each two neighbours, in place.
func joinPairs(buckets []bucket) []bucket {
	half := buckets[:0]
	for i := 0; i < len(buckets); i += 2 {
		b := buckets[i]
		if i+1 < len(buckets) {
			b.follow(buckets[i+1])
		}
		half = append(half, b)
	}
	return half
}

// atMost joins neighbours until there are at most limit buckets.
func (r *rollup) atMost(limit int) {
	for len(r.buckets) > limit {
		r.halve()
	}
}

func (r *rollup) clone() *rollup {
	c := *r
	c.buckets = slices.Clone(r.buckets)
	return &c
}

// A roll-up's payload is version 3: one version byte; the step scale (one byte); flags (one byte: 1 in order, 2 by time);
// the exponent of the size (one byte); the number of points and of buckets (uvarint); sections of signed varints with the
// counts, the NaN counts, the first steps and times (as differences of differences) and the last ones (less the first); and
// eight sections with the bytes of first, min, max, last and sum, one column after the other. Last a CRC-32C.
const rollupVersion = 3

func (r *rollup) encode(b []byte) []byte {
	start := len(b)
	flags := byte(0)
	if r.inOrder {
		flags |= 1
	}
	if r.byTime {
		flags |= 2
	}
	b = append(b, rollupVersion, byte(r.scale), flags, byte(bits.TrailingZeros64(uint64(r.size))))
	b = binary.AppendUvarint(b, uint64(r.count))
	n := len(r.buckets)
	b = binary.AppendUvarint(b, uint64(n))
	integers := func(of func(*bucket) int64) []int64 {
		out := make([]int64, n)
		for i := range r.buckets {
			out[i] = of(&r.buckets[i])
		}
		return out
	}
	for _, column := range [][]int64{
		integers(func(b *bucket) int64 { return b.count }),
		integers(func(b *bucket) int64 { return b.nanCount }),
		integers(func(b *bucket) int64 { return b.firstStep }),
		integers(func(b *bucket) int64 { return b.firstTime }),
		integers(func(b *bucket) int64 { return b.lastStep - b.firstStep }),
		integers(func(b *bucket) int64 { return b.lastTime - b.firstTime }),
	} {
		b = appendSection(b, appendRises(nil, column))
	}
	floats := make([]float64, 0, 5*n)
	for _, of := range bucketValues {
		for i := range r.buckets {
			floats = append(floats, *of(&r.buckets[i]))
		}
	}
	return sealed(appendValues(b, floats), start)
}

// bucketValues are a bucket's values in the order of the payload.
var bucketValues = []func(*bucket) *float64{
	func(b *bucket) *float64 { return &b.first },
	func(b *bucket) *float64 { return &b.min },
	func(b *bucket) *float64 { return &b.max },
	func(b *bucket) *float64 { return &b.last },
	func(b *bucket) *float64 { return &b.sum },
}

// rollupColumns is what a roll-up is decoded through; a chart of a thousand runs decodes as many.
type rollupColumns struct {
	integers [6][]int64
	floats   []float64
}

var rollupMemory = sync.Pool{New: func() any { return &rollupColumns{} }}

func decodeRollup(payload []byte) (*rollup, error) {
	d, err := opened(payload, rollupVersion)
	if err != nil {
		return nil, err
	}
	head := d.bytes(3)
	count, n := d.uvarint(), d.uvarint()
	if !d.ok() || head[0] > MaxStepScale || head[2] > 62 || n > uint64(rollupBuckets) {
		return nil, fmt.Errorf("%w: the head of a roll-up", errCorrupt)
	}
	r := &rollup{
		scale: int8(head[0]), inOrder: head[1]&1 != 0, byTime: head[1]&2 != 0, size: 1 << head[2],
		count: int64(count), buckets: make([]bucket, n),
	}
	memory, _ := rollupMemory.Get().(*rollupColumns)
	defer rollupMemory.Put(memory)
	columns := &memory.integers
	for i := range columns {
		part := decoder{rest: d.section()}
		columns[i] = part.risesInto(columns[i], n)
		if err := part.end(); err != nil {
			return nil, err
		}
	}
	memory.floats = d.valuesInto(memory.floats, uint64(len(bucketValues))*n)
	floats := memory.floats
	if err := d.end(); err != nil {
		return nil, err
	}
	left := count
	for i := range r.buckets {
		points, nan := uint64(columns[0][i]), uint64(columns[1][i])
		if points == 0 || points > left || nan > points {
			return nil, fmt.Errorf("%w: a bucket of %d points", errCorrupt, points)
		}
		left -= points
		r.buckets[i] = bucket{
			count: columns[0][i], nanCount: columns[1][i],
			firstStep: columns[2][i], firstTime: columns[3][i],
			lastStep: columns[2][i] + columns[4][i], lastTime: columns[3][i] + columns[5][i],
			first: floats[i], min: floats[int(n)+i], max: floats[2*int(n)+i], last: floats[3*int(n)+i], sum: floats[4*int(n)+i],
		}
	}
	if left != 0 || int64(count) < 0 {
		return nil, fmt.Errorf("%w: the points of its buckets are not as many as it says", errCorrupt)
	}
	return r, nil
}
