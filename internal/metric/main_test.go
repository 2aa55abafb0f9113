package metric_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/cairnml/cairn/internal/metric"
)

// TestMain makes chunks and the like so small that tests meet every boundary. The sizes of use are met by the benchmarks.
func TestMain(m *testing.M) {
	metric.ShrinkForTests()
	// A check of the model test stores and folds for a tenth of a second, many times that under the race detector. What the
	// environment says counts, as in `make test-full`, and what the command line says, which comes later.
	if os.Getenv("RAPID_CHECKS") == "" {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			fmt.Fprintln(os.Stderr, "rapid.checks:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
