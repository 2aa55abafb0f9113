package metric_test

import (
	"os"
	"testing"

	"github.com/cairnml/cairn/internal/metric"
)

// TestMain makes chunks and the like so small that tests meet every boundary. The sizes of use are met by the benchmarks.
func TestMain(m *testing.M) {
	metric.ShrinkForTests()
	os.Exit(m.Run())
}
