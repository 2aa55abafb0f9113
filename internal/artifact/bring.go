package artifact

import (
	"context"
	"io"
	"math"
)

// Bring stores and records a file of a run, whose row is runPK, or of a logged model, 0, before that has its artifacts here: so that
// it goes on naming the place that has them all until this one does. The caller answers for the path being below its root here.
// What lies at the path is replaced. Errors: those of Store.Put.
func (s *Service) Bring(ctx context.Context, runPK int, name string, r io.Reader) (Info, error) {
	name, err := servicePath(name)
	if err != nil {
		return Info{}, err
	}
	var o owner
	if runPK != 0 {
		o.runPK = &runPK
	}
	u, err := s.files.receive(ctx, name, r, math.MaxInt64)
	if err != nil {
		return Info{}, err
	}
	return s.store(ctx, o, u)
}
